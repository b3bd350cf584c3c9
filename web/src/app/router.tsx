import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { RoomsHome } from "@/rooms/RoomsHome.tsx";
import { Gate } from "./Gate.tsx";
import { withTexts } from "./language.ts";
import { NotFound, PageError } from "./PageError.tsx";
import { room } from "./room.ts";
import { Shell } from "./Shell.tsx";

/*
 * All addresses of the app. Those under `signedIn` are shown to who is signed in; the gate shows the sign-in, the other tab's notice or the
 * recovery screen in their place where that is not so. What the first view does not need is loaded when it is opened.
 */
const root = createRootRoute({ errorComponent: PageError, notFoundComponent: NotFound });
const signedIn = createRoute({ getParentRoute: () => root, id: "signed-in", component: Gate });
const shell = createRoute({ getParentRoute: () => signedIn, id: "shell", component: Shell });

const admin = lazyRouteComponent(withTexts(["admin"], () => import("@/admin/AdminPage.tsx")), "AdminPage");
const settings = lazyRouteComponent(withTexts(["settings"], () => import("@/settings/SettingsPage.tsx")), "SettingsPage");

const routes = root.addChildren([
  createRoute({ getParentRoute: () => root, path: "/welcome/$token", component: lazyRouteComponent(withTexts(["signin"], () => import("@/signin/EnrolPage.tsx")), "WelcomePage") }),
  createRoute({ getParentRoute: () => root, path: "/invite/$token", component: lazyRouteComponent(withTexts(["signin"], () => import("@/signin/EnrolPage.tsx")), "InvitePage") }),
  signedIn.addChildren([
    createRoute({ getParentRoute: () => signedIn, path: "/invite-people", component: lazyRouteComponent(withTexts(["signin"], () => import("@/signin/InvitePeoplePage.tsx")), "InvitePeoplePage") }),
    createRoute({ getParentRoute: () => signedIn, path: "/admin", component: admin }),
    createRoute({ getParentRoute: () => signedIn, path: "/admin/$page", component: admin }),
    createRoute({ getParentRoute: () => signedIn, path: "/admin/$page/$item", component: admin }),
    createRoute({ getParentRoute: () => signedIn, path: "/settings", component: settings }),
    createRoute({ getParentRoute: () => signedIn, path: "/settings/$page", component: settings }),
    shell.addChildren([
      createRoute({ getParentRoute: () => shell, path: "/", component: RoomsHome }),
      createRoute({ getParentRoute: () => shell, path: "/search", component: lazyRouteComponent(() => import("@/search/SearchPage.tsx"), "SearchPage") }),
      createRoute({ getParentRoute: () => shell, path: "/explore", component: lazyRouteComponent(() => import("@/rooms/ExplorePage.tsx"), "ExplorePage") }),
      createRoute({ getParentRoute: () => shell, path: "/space/$spaceId", component: lazyRouteComponent(() => import("@/rooms/SpacePage.tsx"), "SpacePage") }),
      createRoute({
        getParentRoute: () => shell,
        path: "/room/$roomId",
        component: room,
        validateSearch: (s: Record<string, unknown>): RoomSearch => ({
          event: typeof s.event === "string" ? s.event : undefined,
          thread: typeof s.thread === "string" ? s.thread : undefined,
          panel: typeof s.panel === "string" ? s.panel : undefined,
          user: typeof s.user === "string" ? s.user : undefined,
        }),
      }),
    ]),
  ]),
]);

/** What the address of a room may say: an event to jump to, an open thread, a panel beside the timeline. */
export interface RoomSearch {
  event?: string | undefined;
  thread?: string | undefined;
  panel?: string | undefined;
  /** Whom the panel "person" shows. */
  user?: string | undefined;
}

export const router = createRouter({ routeTree: routes, defaultPreload: false, defaultErrorComponent: PageError });

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

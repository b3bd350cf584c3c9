import { lazyRouteComponent } from "@tanstack/react-router";
import { withTexts } from "./language.ts";

/** The page of a room. It is half of the app, so it loads beside the list of chats and not before it. */
export const room = lazyRouteComponent(withTexts(["timeline", "composer", "company", "files", "threads"], () => import("./RoomPage.tsx")), "RoomPage");

/** Loads what an open room needs, before somebody opens one. */
export const preloadRoom = (): void => void room.preload?.();

import { Center, Loader } from "@mantine/core";
import { Outlet, useLocation } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { ShortcutsHelp } from "@/keyboard/Help.tsx";
import { startSession, useClientState } from "@/matrix/client.ts";
import { KeysGate } from "@/verify/KeysGate.tsx";
import { Background } from "./Background.tsx";
import { withTexts } from "./language.ts";
import { Notice } from "./Notice.tsx";

const SignInPage = lazy(withTexts(["signin"], async () => ({ default: (await import("@/signin/SignInPage.tsx")).SignInPage })));
const AgainPage = lazy(withTexts(["signin"], async () => ({ default: (await import("@/signin/AgainPage.tsx")).AgainPage })));
const LostPage = lazy(withTexts(["signin"], async () => ({ default: (await import("@/signin/AgainPage.tsx")).LostPage })));
const LockPage = lazy(withTexts(["signin"], async () => ({ default: (await import("@/signin/LockPage.tsx")).LockPage })));

/** Shows the app to who is signed in, and to others what they can do about it. */
export function Gate() {
  return (
    <Suspense fallback={<Starting />}>
      <Phases />
    </Suspense>
  );
}

function Starting() {
  const { t } = useTranslation("app");
  return (
    <Center h="100dvh">
      <Loader role="status" aria-label={t("starting")} />
    </Center>
  );
}

function SignedIn() {
  return (
    <KeysGate>
      <Background />
      <Outlet />
      <ShortcutsHelp />
    </KeysGate>
  );
}

function Phases() {
  const { t } = useTranslation("app");
  const phase = useClientState((s) => s.phase);
  const error = useClientState((s) => s.error);
  // The chats can be shown before all is there; other pages ask too much.
  const chats = useLocation({ select: (l) => l.pathname === "/" || l.pathname.startsWith("/room/") });
  const early = useClientState((s) => s.early) && chats;
  switch (phase) {
    case "ready":
      return <SignedIn />;
    case "starting":
      return early ? <SignedIn /> : <Starting />;
    case "signed-out":
      return <SignInPage />;
    case "elsewhere":
      return <Notice title={t("elsewhere.title")} text={t("elsewhere.text")} action={t("elsewhere.use")} onAction={() => void startSession(true)} />;
    case "insecure":
      return <Notice title={t("insecure.title")} text={t("insecure.text")} />;
    case "removed":
      return <Notice title={t("removed.title")} text={t("removed.text")} action={t("removed.signIn")} onAction={() => void startSession()} />;
    case "lost":
      return <LostPage />;
    case "again":
      return <AgainPage />;
    case "locked":
      return <LockPage />;
    case "account-locked":
      return <Notice title={t("accountLocked.title")} text={t("accountLocked.text")} action={t("accountLocked.again")} onAction={() => location.reload()} />;
    case "failed":
      return <Notice title={t("failed.title")} text={`${t("failed.text")} (${error})`} action={t("failed.again")} onAction={() => location.reload()} />;
  }
}

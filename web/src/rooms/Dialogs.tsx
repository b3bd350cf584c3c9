import { lazy, Suspense } from "react";
import { useShortcuts } from "@/keyboard/useShortcuts.ts";
import { useClientState } from "@/matrix/client.ts";
import { closeDialog, openDialog, useRooms } from "./state.ts";

const NewChat = lazy(async () => ({ default: (await import("./dialogs/NewChat.tsx")).NewChat }));
const NewRoom = lazy(async () => ({ default: (await import("./dialogs/NewRoom.tsx")).NewRoom }));
const JoinByLink = lazy(async () => ({ default: (await import("./dialogs/JoinByLink.tsx")).JoinByLink }));
const Leave = lazy(async () => ({ default: (await import("./dialogs/Leave.tsx")).Leave }));
const Invite = lazy(async () => ({ default: (await import("./dialogs/Invite.tsx")).Invite }));
const AddRooms = lazy(async () => ({ default: (await import("./dialogs/AddRooms.tsx")).AddRooms }));
const Report = lazy(async () => ({ default: (await import("./dialogs/Report.tsx")).Report }));
const Upgrade = lazy(async () => ({ default: (await import("./dialogs/Upgrade.tsx")).Upgrade }));
const Status = lazy(async () => ({ default: (await import("./dialogs/Status.tsx")).Status }));
const SignOut = lazy(async () => ({ default: (await import("./dialogs/SignOut.tsx")).SignOut }));
const QuickSwitcher = lazy(async () => ({ default: (await import("./QuickSwitcher.tsx")).QuickSwitcher }));

/** The dialog that is open, wherever it was opened from; and the key that opens the quick switcher. */
export function Dialogs() {
  const dialog = useRooms((s) => s.dialog);
  useShortcuts({ switcher: () => openDialog({ kind: "switch" }) }, true);
  return <Suspense fallback={null}>{dialog && <Open />}</Suspense>;
}

function Open() {
  const dialog = useRooms((s) => s.dialog);
  const ready = useClientState((s) => s.phase === "ready");
  if (!ready && dialog?.kind !== "switch") return null; // it opens as soon as it has what it needs
  switch (dialog?.kind) {
    case undefined:
      return null;
    case "chat":
      return <NewChat onClose={closeDialog} />;
    case "room":
      return <NewRoom space={dialog.space} of={dialog.of} onClose={closeDialog} />;
    case "join":
      return <JoinByLink text={dialog.text} onClose={closeDialog} />;
    case "leave":
      return <Leave roomId={dialog.roomId} onClose={closeDialog} />;
    case "invite":
      return <Invite roomId={dialog.roomId} onClose={closeDialog} />;
    case "addRooms":
      return <AddRooms spaceId={dialog.spaceId} onClose={closeDialog} />;
    case "report":
      return <Report roomId={dialog.roomId} onClose={closeDialog} />;
    case "upgrade":
      return <Upgrade roomId={dialog.roomId} onClose={closeDialog} />;
    case "status":
      return <Status onClose={closeDialog} />;
    case "signOut":
      return <SignOut onClose={closeDialog} />;
    case "switch":
      return <QuickSwitcher onClose={closeDialog} />;
  }
}

import { SignOutDialog } from "@/signin/SignOutDialog.tsx";

/** Asks once before this device's keys are erased. */
export function SignOut({ onClose }: { onClose: () => void }) {
  return <SignOutDialog opened onClose={onClose} />;
}

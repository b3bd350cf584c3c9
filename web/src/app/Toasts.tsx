import "@mantine/notifications/styles.css";
import { Notifications } from "@mantine/notifications";

/** Where short messages appear. It loads beside the first view; what was said before it is there is shown then. */
export function Toasts() {
  return <Notifications position="top-right" />;
}

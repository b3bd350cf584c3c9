import type { TFunction } from "i18next";
import { clockOptions } from "@/app/appearance.ts";
import type { RoomRow } from "@/matrix/rooms.ts";
import type { Preview } from "@/matrix/roomspreview.ts";
import { formatter } from "@/ui/when.ts";

type T = TFunction<"rooms">;

/** What happened last in a room, in words. Who said it is named in rooms of more than two. */
export function previewWords(t: T, p: Preview, direct: boolean): string {
  if (p.kind === "none") return "";
  const named = { name: p.own ? t("preview.you") : p.sender, text: p.text };
  switch (p.kind) {
    case "joined":
    case "left":
    case "invited":
      return t(`preview.${p.kind}`, { name: p.text });
    case "named":
      return t("preview.named", named);
    case "created":
      return t("preview.created");
    case "deleted":
      return t("preview.deleted");
    case "emote":
      return `${p.sender} ${p.text}`;
    default: {
      const what = p.kind === "text" ? p.text : p.text && p.kind !== "sticker" ? `${t(`preview.${p.kind}`)}: ${p.text}` : t(`preview.${p.kind}`);
      if (p.own) return t("preview.said", { name: t("preview.you"), text: what });
      return direct ? what : t("preview.said", { name: p.sender, text: what });
    }
  }
}

/** The second line of a row. */
export function rowWords(t: T, r: RoomRow): string {
  if (r.membership === "invite") return r.inviter ? t("invitedBy", { name: r.inviter }) : t("invitedHere");
  if (r.membership === "knock") return t("knocked");
  if (r.knocking > 0) return t("knock.wait", { count: r.knocking });
  return previewWords(t, r.preview, r.direct !== null);
}

const day = 24 * 60 * 60 * 1000;

/** When something was, as short as can be: the time today by the user's clock, "yesterday", a day of the week, a date. */
export function shortTime(at: number, language: string, now = Date.now()): string {
  if (at <= 0) return "";
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  const d = new Date(at);
  if (at >= midnight) return formatter(language, { timeStyle: "short", ...clockOptions() }).format(d);
  if (at >= midnight - day) return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(-1, "day");
  if (at >= midnight - 6 * day) return formatter(language, { weekday: "short" }).format(d);
  const sameYear = d.getFullYear() === new Date(now).getFullYear();
  return formatter(language, sameYear ? { day: "numeric", month: "short" } : { day: "numeric", month: "numeric", year: "2-digit" }).format(d);
}

/** How long ago a person was there, in words. */
export function agoWords(at: number, language: string, now = Date.now()): string {
  const minutes = Math.round((now - at) / 60_000);
  const f = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  if (minutes < 60) return f.format(-Math.max(1, minutes), "minute");
  if (minutes < 48 * 60) return f.format(-Math.round(minutes / 60), "hour");
  return f.format(-Math.round(minutes / 60 / 24), "day");
}

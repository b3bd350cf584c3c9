import i18next from "i18next";
import { readdirSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { chooseLanguage, languages, startLanguage } from "./language.ts";

// Also the texts of this folder, which are nearer to the code that looks for them than the others.
test("the texts of every folder are found, in every language", async () => {
  const src = path.resolve(import.meta.dirname, "..");
  const folders = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith("/en.json")).map((f) => path.dirname(f));
  expect(folders).toContain("app");
  await startLanguage();
  await i18next.loadNamespaces(folders);
  for (const language of languages) {
    await chooseLanguage(language);
    for (const folder of folders) expect(i18next.hasResourceBundle(language, folder), `${language} ${folder}`).toBe(true);
  }
  expect(i18next.t("newMessage", { ns: "app" })).toBe("Neue Nachrichten");
});

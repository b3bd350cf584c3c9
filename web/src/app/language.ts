import i18next from "i18next";
import { initReactI18next } from "react-i18next";

export const languages = ["en", "de"] as const;
export type Language = (typeof languages)[number];

type Texts = Record<string, unknown>;
const files = {
  en: import.meta.glob<{ default: Texts }>("/src/*/en.json"),
  de: import.meta.glob<{ default: Texts }>("/src/*/de.json"),
};
const chosenKey = "conclave.language";

/** The language that the user chose, or null where the browser's counts. */
export function chosenLanguage(): Language | null {
  const kept = localStorage.getItem(chosenKey);
  return languages.find((l) => l === kept) ?? null;
}

function browserLanguage(): Language {
  for (const tag of navigator.languages) {
    const found = languages.find((l) => tag.toLowerCase().startsWith(l));
    if (found) return found;
  }
  return "en";
}

async function load(language: Language): Promise<Record<string, Texts>> {
  const entries = await Promise.all(
    Object.entries(files[language]).map(async ([path, read]) => [path.split("/")[2] ?? "", (await read()).default] as const),
  );
  return Object.fromEntries(entries);
}

/** Loads the texts of the user's language. Each folder of the source has a name space of its own. */
export async function startLanguage(): Promise<void> {
  const language = chosenLanguage() ?? browserLanguage();
  await i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: false,
    resources: { [language]: await load(language) },
    interpolation: { escapeValue: false }, // React escapes
    returnNull: false,
  });
  document.documentElement.lang = language;
}

/** Changes the language at once and keeps the choice; null goes back to the browser's. */
export async function chooseLanguage(choice: Language | null): Promise<void> {
  if (choice === null) localStorage.removeItem(chosenKey);
  else localStorage.setItem(chosenKey, choice);
  const language = choice ?? browserLanguage();
  for (const [name, texts] of Object.entries(await load(language))) i18next.addResourceBundle(language, name, texts);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

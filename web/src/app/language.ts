import i18next, { type BackendModule, type ResourceKey } from "i18next";
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

/** What the list of chats needs. The texts of other folders are loaded with the pages that show them. */
const first = ["app", "rooms", "ui"];

/** Texts that do not come are asked for again until they do: the view that waits for them has nothing to show without. */
async function read(language: string, folder: string): Promise<Texts> {
  const load = files[language as Language][`/src/${folder}/${language}.json`];
  if (load === undefined) throw new Error(`no texts ${folder} in ${language}`);
  for (let pause = 500; ; pause = Math.min(2 * pause, 15_000)) {
    try {
      return (await load()).default;
    } catch {
      await new Promise((again) => setTimeout(again, pause));
    }
  }
}

const backend: BackendModule = {
  type: "backend",
  init: () => undefined,
  read: (language, folder, done) => void read(language, folder).then((texts) => done(null, texts as ResourceKey), (err: Error) => done(err, false)),
};

/** Loads the texts of the user's language. Each folder of the source has a name space of its own. */
export async function startLanguage(): Promise<void> {
  const language = chosenLanguage() ?? browserLanguage();
  await i18next.use(backend).use(initReactI18next).init({
    lng: language,
    fallbackLng: false,
    ns: first,
    defaultNS: "app",
    interpolation: { escapeValue: false }, // React escapes
    returnNull: false,
  });
  document.documentElement.lang = language;
}

/** Loads a part of the app together with the texts of its folders, which else would come one after the other. */
export const withTexts =
  <T>(folders: string[], load: () => Promise<T>): (() => Promise<T>) =>
  async () => (await Promise.all([load(), i18next.loadNamespaces(folders)]))[0];

/** Changes the language at once and keeps the choice; null goes back to the browser's. */
export async function chooseLanguage(choice: Language | null): Promise<void> {
  if (choice === null) localStorage.removeItem(chosenKey);
  else localStorage.setItem(chosenKey, choice);
  const language = choice ?? browserLanguage();
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

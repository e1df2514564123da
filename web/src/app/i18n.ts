// English and 中文. Each area's words are in a file of their own, fetched with the area.
import i18next from "i18next";
import { initReactI18next } from "react-i18next";

export const LANGUAGES = { en: "English", zh: "中文" } as const;
export type Language = keyof typeof LANGUAGES;

const files = import.meta.glob<{ default: Record<string, unknown> }>("../locales/*/*.json");

/** The browser's language where the person chose none. */
export function systemLanguage(): Language {
  return navigator.languages.some((tag) => tag.startsWith("zh")) &&
    !navigator.languages[0]?.toLowerCase().startsWith("en")
    ? "zh"
    : "en";
}

function stored(): Language | null {
  const language = localStorage.getItem("language");
  return language === "en" || language === "zh" ? language : null;
}

const fromFiles = {
  type: "backend" as const,
  init() {},
  read(
    language: string,
    namespace: string,
    done: (error: Error | null, words: Record<string, unknown> | null) => void,
  ) {
    const file = files[`../locales/${language}/${namespace}.json`];
    if (!file) return done(new Error(`no words for ${language}/${namespace}`), null);
    file().then(
      (module) => done(null, module.default),
      (error) => done(error, null),
    );
  },
};

export function startI18n() {
  return i18next
    .use(fromFiles)
    .use(initReactI18next)
    .init({
      lng: stored() ?? systemLanguage(),
      fallbackLng: false,
      supportedLngs: Object.keys(LANGUAGES),
      ns: ["common", "chat"],
      defaultNS: "common",
      interpolation: { escapeValue: false }, // React escapes
      react: { useSuspense: true },
    });
}

export function setLanguage(language: Language | null) {
  if (language) localStorage.setItem("language", language);
  else localStorage.removeItem("language");
  return i18next.changeLanguage(language ?? systemLanguage());
}

i18next.on("languageChanged", (language) => {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : language;
});

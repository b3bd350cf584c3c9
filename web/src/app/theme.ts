import i18next from "i18next";
import { createTheme, type MantineColorsTuple } from "@mantine/core";

const petrol: MantineColorsTuple = [
  "#e8f6f5", "#d3eae7", "#a5d5d0", "#74bfb7", "#4fada3", "#389f95", "#2a857c", "#1f6f68", "#1f5f5b", "#0d4a46",
];

// As light as Mantine's own, which are a plain grey: these go with the page, which leans to blue.
const dark: MantineColorsTuple = [
  "#c6cacd", "#b4b9bd", "#7e848a", "#656b71", "#3e4449", "#373d42", "#2a3035", "#20262a", "#1b2125", "#11171a",
];

export const theme = createTheme({
  primaryColor: "petrol",
  primaryShade: 7,
  autoContrast: true,
  colors: { petrol, dark },
  defaultRadius: "md",
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  headings: { fontWeight: "650" },
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Modal: { styles: { title: { fontSize: "var(--mantine-font-size-lg)", fontWeight: 650 } } },
    Notification: {
      defaultProps: {
        closeButtonProps: {
          // Read when the theme is applied: the texts are loaded by then.
          get "aria-label"() {
            return i18next.t("close", { ns: "ui" });
          },
        },
      },
    },
  },
});

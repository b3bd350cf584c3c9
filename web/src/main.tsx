import "./app/polyfill.ts";
import "./app/trusted-types.ts";
import "@mantine/core/styles.css";
import "./app/global.css";
import { createRoot } from "react-dom/client";
import { App } from "./app/App.tsx";
import { startLanguage } from "./app/language.ts";
import { startWorker } from "./app/worker.ts";
import { startSession } from "./matrix/client.ts";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
// What the browser keeps is read while the texts load; the app is shown when both are there.
void startSession();
void startLanguage().then(() => {
  createRoot(root).render(<App />);
  void startWorker();
});

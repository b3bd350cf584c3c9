import { Button, Center, Loader, PasswordInput, Stack, Text } from "@mantine/core";
import type { PDFDocumentProxy } from "pdfjs-dist";
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { openPdf, type Opening, type PdfProblem, problemOf } from "./pdf.ts";
import { PdfPages, type Size } from "./PdfPages.tsx";

type State =
  | { phase: "opening" }
  | { phase: "password"; answer: (password: string) => void; wrong: boolean }
  | { phase: "open"; document: PDFDocumentProxy; first: Size }
  | { phase: "problem"; problem: PdfProblem };

interface Props {
  content: Blob;
  name: string;
  head: (tools?: ReactNode) => ReactNode;
}

/** A PDF document: opens it, asks for its password where it has one, and says so where it cannot be shown. */
export function PdfView({ content, name, head }: Props) {
  const { t } = useTranslation("files");
  const [state, setState] = useState<State>({ phase: "opening" });
  useEffect(() => {
    let gone = false;
    let opening: Opening | undefined;
    const set = (next: State) => void (gone || setState(next));
    const open = async () => {
      const data = new Uint8Array(await content.arrayBuffer());
      if (gone) return;
      opening = openPdf(data, (answer, wrong) => set({ phase: "password", answer, wrong }));
      const document = await opening.document;
      const { width, height } = (await document.getPage(1)).getViewport({ scale: 1 });
      set({ phase: "open", document, first: { width, height } });
    };
    open().catch((err: unknown) => set({ phase: "problem", problem: problemOf(err) }));
    return () => {
      gone = true;
      opening?.close();
    };
  }, [content]);
  if (state.phase === "open") return <PdfPages document={state.document} first={state.first} name={name} head={head} />;
  return (
    <>
      {head()}
      <Center flex={1} p="md">
        {state.phase === "opening" && <Loader role="status" aria-label={t("pdf.opening")} />}
        {state.phase === "problem" && <Text role="alert">{t(`pdf.${state.problem}`)}</Text>}
        {state.phase === "password" && (
          <Password
            wrong={state.wrong}
            onGiven={(password) => {
              setState({ phase: "opening" });
              state.answer(password);
            }}
          />
        )}
      </Center>
    </>
  );
}

function Password({ wrong, onGiven }: { wrong: boolean; onGiven: (password: string) => void }) {
  const { t } = useTranslation("files");
  const [text, setText] = useState("");
  const submit = (e: FormEvent) => {
    e.preventDefault();
    onGiven(text);
  };
  return (
    <form onSubmit={submit}>
      <Stack w="min(22rem, 80vw)">
        <Text>{t("pdf.locked")}</Text>
        <PasswordInput
          label={t("pdf.password")}
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
          error={wrong ? t("pdf.wrong") : undefined}
          autoComplete="off"
          autoFocus
          visibilityToggleButtonProps={{ "aria-label": t("pdf.showPassword"), tabIndex: 0 }}
        />
        <Button type="submit" disabled={text === ""}>
          {t("pdf.open")}
        </Button>
      </Stack>
    </form>
  );
}

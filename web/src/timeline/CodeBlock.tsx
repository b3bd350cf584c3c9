import { ActionIcon, CopyButton } from "@mantine/core";
import { Fragment, type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "@/ui/Icon.tsx";
import type { Token } from "./highlight.ts";
import classes from "./Html.module.css";

function colored(tokens: Token[]): ReactNode {
  return tokens.map((t, i) => (typeof t === "string" ? <Fragment key={i}>{t}</Fragment> : <span key={i} data-token={t.scope.split(".")[0]}>{colored(t.children)}</span>));
}

/** Code, in the colours of its language once the highlighter is loaded. */
export function CodeBlock({ text, language }: { text: string; language: string | null }) {
  const { t } = useTranslation("timeline");
  const [tokens, setTokens] = useState<Token[] | null>(null);
  useEffect(() => {
    let gone = false;
    setTokens(null);
    if (text.length <= 20_000) {
      void import("./highlight.ts").then(({ highlight }) => {
        if (!gone) setTokens(highlight(text, language));
      });
    }
    return () => {
      gone = true;
    };
  }, [text, language]);
  return (
    <div className={classes.codeBlock}>
      <pre tabIndex={0} aria-label={t("code")}>
        <code>{tokens === null ? text : colored(tokens)}</code>
      </pre>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <span className={classes.copy}>
            <ActionIcon variant="default" size="sm" onClick={copy} aria-label={copied ? t("copied") : t("copyCode")}>
              <Icon name={copied ? "check" : "copy"} size={14} />
            </ActionIcon>
          </span>
        )}
      </CopyButton>
    </div>
  );
}

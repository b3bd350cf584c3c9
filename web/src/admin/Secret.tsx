import { ActionIcon, CopyButton } from "@mantine/core";
import { create } from "qrcode";
import { useTranslation } from "react-i18next";
import { Icon } from "@/ui/Icon.tsx";
import classes from "./Admin.module.css";

/** A link or a password that is shown this once, with a button that copies it. */
export function Secret({ label, value }: { label: string; value: string }) {
  const { t } = useTranslation("admin");
  return (
    <div className={classes.secret}>
      <output aria-label={label} style={{ flex: 1 }}>
        {value}
      </output>
      <CopyButton value={value}>
        {({ copied, copy }) => (
          <ActionIcon variant="subtle" color="gray" aria-label={copied ? t("copied") : t("copy")} onClick={copy}>
            <Icon name={copied ? "check" : "copy"} size={18} />
          </ActionIcon>
        )}
      </CopyButton>
    </div>
  );
}

/** A text as QR code, for a phone's camera. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const { modules } = create(text, { errorCorrectionLevel: "M" });
  let path = "";
  for (let y = 0; y < modules.size; y++) {
    for (let x = 0; x < modules.size; x++) if (modules.get(y, x)) path += `M${x} ${y}h1v1h-1z`;
  }
  return (
    <svg className={classes.qr} viewBox={`0 0 ${modules.size} ${modules.size}`} role="img" aria-label={label} shapeRendering="crispEdges">
      <path d={path} fill="currentColor" />
    </svg>
  );
}

import { Alert, Button, Stack } from "@mantine/core";
import readCode from "jsqr";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  /** Called for each code that is seen; an error means that it was another one. */
  onCode: (bytes: Uint8Array) => Promise<void>;
  onBack: () => void;
}

const problems: Record<string, string> = { NotAllowedError: "denied", NotFoundError: "missing", OverconstrainedError: "missing" };

/** The camera's picture, until it shows a QR code. */
export function ScanCode({ onCode, onBack }: Props) {
  const { t } = useTranslation("verify");
  const video = useRef<HTMLVideoElement>(null);
  const [problem, setProblem] = useState("");
  const report = useRef(onCode);
  report.current = onCode;
  useEffect(() => {
    let stream: MediaStream | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let gone = false;
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const look = async () => {
      const v = video.current;
      if (gone) return;
      if (v && context && v.videoWidth > 0) {
        canvas.width = v.videoWidth;
        canvas.height = v.videoHeight;
        context.drawImage(v, 0, 0);
        const found = readCode(context.getImageData(0, 0, canvas.width, canvas.height).data, canvas.width, canvas.height);
        if (found) {
          try {
            await report.current(new Uint8Array(found.binaryData));
            return;
          } catch {
            if (!gone) setProblem("strange");
          }
        }
      }
      timer = setTimeout(() => void look(), 150);
    };
    const start = async () => {
      try {
        if (!("mediaDevices" in navigator)) throw new DOMException("", "NotFoundError");
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
        if (gone || !video.current) {
          stream.getTracks().forEach((track) => track.stop());
          return;
        }
        video.current.srcObject = stream;
        await video.current.play();
        void look();
      } catch (err) {
        if (!gone) setProblem(problems[err instanceof DOMException ? err.name : ""] ?? "failed");
      }
    };
    void start();
    return () => {
      gone = true;
      clearTimeout(timer);
      stream?.getTracks().forEach((track) => track.stop());
    };
  }, []);
  return (
    <Stack>
      {problem && (
        <Alert color="orange" role="alert">
          {t(`camera.${problem}`)}
        </Alert>
      )}
      <video ref={video} muted playsInline aria-label={t("camera.label")} hidden={problem !== "" && problem !== "strange"} style={{ inlineSize: "100%", borderRadius: "0.5rem", background: "#000" }} />
      <Button variant="default" onClick={onBack}>
        {t("camera.back")}
      </Button>
    </Stack>
  );
}

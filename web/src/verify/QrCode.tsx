import { create } from "qrcode";
import { useMemo } from "react";

interface Props {
  /** Text, or bytes as they are. */
  data: string | Uint8Array;
  label: string;
}

/** A QR code as a drawing, black on white in every theme, with the quiet margin that readers want. */
export function QrCode({ data, label }: Props) {
  const { path, size } = useMemo(() => draw(data), [data]);
  return (
    <svg role="img" aria-label={label} viewBox={`-4 -4 ${size + 8} ${size + 8}`} shapeRendering="crispEdges" style={{ inlineSize: "16rem", maxInlineSize: "100%", display: "block", borderRadius: "0.5rem" }}>
      <rect x={-4} y={-4} width={size + 8} height={size + 8} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}

export function draw(data: string | Uint8Array): { path: string; size: number } {
  const segments = typeof data === "string" ? data : [{ data: new Uint8ClampedArray(data), mode: "byte" as const }];
  const { modules } = create(segments, { errorCorrectionLevel: "L" });
  let path = "";
  for (let y = 0; y < modules.size; y++) for (let x = 0; x < modules.size; x++) if (modules.get(y, x)) path += `M${x} ${y}h1v1h-1z`;
  return { path, size: modules.size };
}

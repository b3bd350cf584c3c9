import { Alert, Button, Group, Modal, Slider, Stack, Text } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { cropped, fit, type Placement, widestZoom } from "./crop.ts";
import classes from "./PictureCrop.module.css";

const middle: Placement = { zoom: 1, x: 0, y: 0 };
const arrows: Record<string, [number, number]> = { ArrowLeft: [-0.03, 0], ArrowRight: [0.03, 0], ArrowUp: [0, -0.03], ArrowDown: [0, 0.03] };

/** For the picture of a person, a room or a space: lets the user choose the square of a picture: by dragging, by the arrow keys, and closer by the slider. */
export function PictureCrop({ file, busy, onDone, onClose }: { file: File; busy: boolean; onDone: (b: Blob) => void; onClose: () => void }) {
  const { t } = useTranslation("ui");
  const [url, setUrl] = useState("");
  const [ratio, setRatio] = useState(0);
  const [broken, setBroken] = useState(false);
  const [place, setPlace] = useState(middle);
  const image = useRef<HTMLImageElement>(null);
  const hole = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const u = URL.createObjectURL(file);
    setUrl(u);
    return () => URL.revokeObjectURL(u);
  }, [file]);
  const move = (dx: number, dy: number) => setPlace((p) => fit({ ...p, x: p.x + dx, y: p.y + dy }, ratio));
  const drag = (e: React.PointerEvent) => {
    const width = hole.current?.clientWidth ?? 1;
    if (e.buttons === 1) move(e.movementX / width, e.movementY / width);
  };
  const wide = Math.max(1, ratio) * 100 * place.zoom;
  return (
    <Modal opened onClose={onClose} title={t("picture.crop")} closeButtonProps={{ "aria-label": t("picture.cancel") }} centered>
      <Stack>
        {broken ? (
          <Alert color="red" role="alert">
            {t("picture.broken")}
          </Alert>
        ) : (
          <>
            <div
              ref={hole}
              dir="ltr"
              className={classes.crop}
              role="application"
              aria-label={t("picture.move")}
              tabIndex={0}
              onPointerDown={(e) => e.currentTarget.setPointerCapture(e.pointerId)}
              onPointerMove={drag}
              onKeyDown={(e) => {
                const by = arrows[e.key];
                if (!by) return;
                e.preventDefault();
                move(by[0], by[1]);
              }}
            >
              {url && (
                <img
                  ref={image}
                  src={url}
                  alt=""
                  draggable={false}
                  style={{ width: `${wide}%`, transform: `translate(-50%, -50%) translate(${(place.x / wide) * 10_000}%, ${(place.y * ratio * 10_000) / wide}%)` }}
                  onLoad={(e) => setRatio(e.currentTarget.naturalWidth / e.currentTarget.naturalHeight)}
                  onError={() => setBroken(true)}
                />
              )}
              <div className={classes.ring} />
            </div>
            <Text size="sm" c="var(--quiet)" ta="center">
              {t("picture.hint")}
            </Text>
            <Slider label={null} thumbLabel={t("picture.zoom")} min={1} max={widestZoom} step={0.05} value={place.zoom} onChange={(zoom) => setPlace((p) => fit({ ...p, zoom }, ratio))} />
          </>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("picture.cancel")}
          </Button>
          <Button
            loading={busy}
            disabled={broken || ratio === 0}
            onClick={() => {
              if (image.current) void cropped(image.current, place).then(onDone, () => setBroken(true));
            }}
          >
            {t("picture.use")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

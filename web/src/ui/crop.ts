/** Where a picture lies below the square hole: its scale against the smallest that fills the hole, and its middle's distance from the hole's, in parts of the hole. */
export interface Placement {
  zoom: number;
  x: number;
  y: number;
}

export const widestZoom = 4;

/** Moves a placement so far back that the picture fills the hole. ratio is the picture's width by its height. */
export function fit({ zoom, x, y }: Placement, ratio: number): Placement {
  const z = Math.min(widestZoom, Math.max(1, zoom));
  const limitX = (z * Math.max(1, ratio) - 1) / 2;
  const limitY = (z * Math.max(1, 1 / ratio) - 1) / 2;
  const within = (v: number, limit: number) => Math.min(limit, Math.max(-limit, v));
  return { zoom: z, x: within(x, limitX), y: within(y, limitY) };
}

/** The square of the picture, in its own pixels, that the hole shows. */
export function cut(p: Placement, width: number, height: number): { x: number; y: number; size: number } {
  const size = Math.min(width, height) / p.zoom;
  return { x: width / 2 - p.x * size - size / 2, y: height / 2 - p.y * size - size / 2, size };
}

const side = 512;

/** The shown square as a picture of its own, without what the camera wrote into the file. */
export async function cropped(image: HTMLImageElement, p: Placement): Promise<Blob> {
  const { x, y, size } = cut(p, image.naturalWidth, image.naturalHeight);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.min(side, Math.max(64, Math.round(size)));
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("no canvas");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, x, y, size, size, 0, 0, canvas.width, canvas.height);
  return new Promise((done, fail) => canvas.toBlob((b) => (b ? done(b) : fail(new Error("no picture"))), "image/png"));
}

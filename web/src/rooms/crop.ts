/** The largest square from the middle of a picture, at most `side` pixels wide, as WebP. What cannot be read is an error. */
export async function cropSquare(file: Blob, side = 512): Promise<Blob> {
  const picture = await createImageBitmap(file);
  try {
    const edge = Math.min(picture.width, picture.height);
    const size = Math.min(side, edge);
    const canvas = new OffscreenCanvas(size, size);
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("no canvas");
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, (picture.width - edge) / 2, (picture.height - edge) / 2, edge, edge, 0, 0, size, size);
    return await canvas.convertToBlob({ type: "image/webp", quality: 0.9 });
  } finally {
    picture.close();
  }
}

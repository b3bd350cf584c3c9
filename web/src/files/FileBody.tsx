import { Text } from "@mantine/core";
import type { FileInfo } from "@/matrix/file.ts";

/** A file within a message of the timeline. */
export function FileBody({ file }: { file: FileInfo; roomId: string; eventId: string }) {
  return <Text span>{file.name}</Text>;
}

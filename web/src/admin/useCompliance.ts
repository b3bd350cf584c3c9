import { useQuery } from "@tanstack/react-query";
import { getRecording } from "./api.ts";

/** Whether the user, who is an administrator, has the compliance role; undefined while that is not known. */
export function useCompliance(admin = true): boolean | undefined {
  const { data, isError } = useQuery({ queryKey: ["admin", "recording"], queryFn: getRecording, staleTime: 60_000, enabled: admin });
  return data?.may_change ?? (isError ? false : undefined);
}

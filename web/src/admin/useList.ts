import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { list, type Page, type Query } from "./api.ts";

const pageSize = 50;

/** A list of the API, as far as it was loaded, and how to load more. */
export function useList<T>(path: string, query: Query) {
  const q = useInfiniteQuery({
    queryKey: ["admin", path, query],
    queryFn: ({ pageParam, signal }) => list<T>(path, { ...query, limit: pageSize, from: pageParam || undefined }, signal),
    initialPageParam: "",
    getNextPageParam: (last: Page<T>) => last.next ?? null,
    placeholderData: keepPreviousData,
    staleTime: 0,
  });
  return {
    rows: q.data?.pages.flatMap((p) => p.items) ?? [],
    total: q.data?.pages[0]?.total ?? 0,
    loading: q.isPending,
    error: q.error,
    again: () => void q.refetch(),
    more: q.hasNextPage ? () => void q.fetchNextPage() : null,
    loadingMore: q.isFetchingNextPage,
  };
}

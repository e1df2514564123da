// The cache of what the service told. Nothing is asked again because a window got the focus; what is typed never waits.
import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "../api/http";

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      networkMode: "always", // the service may well be on this machine
      retry: (failures, error) => !(error instanceof ApiError && error.status < 500) && failures < 2,
      retryDelay: (failures) => 400 * 2 ** failures,
    },
    mutations: { networkMode: "always" },
  },
});

/** Told to the window when all that this tab knows of a person is dropped. */
export const FORGOTTEN = "forgotten";

/** Whoever was here left, or somebody comes in: nothing of the one before may stay. */
export function forget() {
  queries.clear();
  dispatchEvent(new Event(FORGOTTEN));
}

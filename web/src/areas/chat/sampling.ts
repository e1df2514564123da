// By whom and how answers are drawn: the person's choice, kept with their preferences.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Params } from "../../api/answers";
import { fetchModels, type ModelInfo } from "../../api/conversations";
import type { Preferences } from "../../api/session";
import { preferencesQuery } from "../../app/session";

export type Sampling = { models: ModelInfo[]; model: string; params: Params; system: string };

/** `model` is empty where the service's own default answers. */
export function useSampling(): Sampling {
  const models = useQuery({ queryKey: ["models"], queryFn: fetchModels, staleTime: 60_000 });
  const preferences = useQuery({ ...preferencesQuery, retry: false });
  return useMemo(() => {
    const known = models.data?.items ?? [];
    const wanted = preferences.data?.model ?? "";
    return {
      models: known,
      model: known.some((model) => model.name === wanted) ? wanted : "",
      params: given(preferences.data?.params),
      system: preferences.data?.system ?? "",
    };
  }, [models.data, preferences.data]);
}

/** Without those that are null: the service's own default holds. */
function given(params: Preferences["params"] = {}): Params {
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== null && value !== undefined));
}

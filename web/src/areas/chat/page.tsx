// A conversation at its address; `m` is a message in it that was searched for.
import { useParams, useSearch } from "@tanstack/react-router";
import { Talk } from "./talk";

export function Chat() {
  const { id } = useParams({ from: "/inside/c/$id" });
  const { m } = useSearch({ from: "/inside/c/$id" });
  return <Talk key={id} id={id} sought={m} />;
}

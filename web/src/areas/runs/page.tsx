// Runs: the list, or one of them (/runs/NAME, and its curves, stages, samples, report below that).
import { useParams } from "@tanstack/react-router";
import { RunList } from "./list";
import { RunPage } from "./run";

export function Runs() {
  const { _splat: at = "" } = useParams({ from: "/inside/runs/$" });
  const [name, section = ""] = at.split("/");
  return name ? <RunPage key={name} name={name} section={section} /> : <RunList />;
}

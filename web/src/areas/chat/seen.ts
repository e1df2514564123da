// Lists that grow as one comes near their end (or their beginning).
import { useEffect, useRef, useState } from "react";

/** A ref for an element; `seen` is called when it comes near the visible part of the box that scrolls (`data-scrolls`). */
export function useSeen(seen: () => unknown, grown: unknown) {
  const latest = useRef(seen);
  latest.current = seen;
  const [place, setPlace] = useState<Element | null>(null);
  // Watched anew whenever the list has grown: an element that stays in sight is not told of twice.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  useEffect(() => {
    if (!place) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) latest.current();
      },
      { root: place.closest("[data-scrolls]"), rootMargin: "500px" },
    );
    observer.observe(place);
    return () => observer.disconnect();
  }, [place, grown]);
  return setPlace;
}

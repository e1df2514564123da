// What pages may ask of the frame around them.
import { createContext } from "react";

export const FrameContext = createContext({ openRail: () => {}, folded: false });

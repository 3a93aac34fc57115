// An explorable that does not move: as HTML that the living figure takes over, and as a picture.
import { render } from "preact-render-to-string";

import { Frame, Picture } from "./frame.jsx";

// The directive puts the figure's own alternative text in this place.
export const page = (it) => render(<Frame it={it} alt="@ALT@" />);

// A file of its own has no theme to ask for colours: it is a sheet of light paper.
const PAPER = {
  ink: "#222222", muted: "#5a5f66", line: "#b9bec5", paper: "#fbfaf7",
  one: "#0072b2", two: "#b84a00", three: "#007355", four: "#8a4a76",
};

export function picture(it) {
  const style = Object.entries(PAPER).map(([name, value]) => `--gb-${name}:${value}`).join(";");
  const [width, height] = it.sizes.wide;
  return render(
    <Picture it={it} name="wide" state={it.state} xmlns="http://www.w3.org/2000/svg"
      width={width} height={height}
      style={`${style};background:#fbfaf7;font-family:system-ui,sans-serif`} />,
  );
}

#include "bench/support/svg.h"

#include <fmt/format.h>

namespace bench {
namespace {

std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else if (c == '"') {
      escaped += "&quot;";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace

std::string SvgFile(int width, int height, const std::string& label, const std::string& body) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
      "font-family=\"sans-serif\" font-size=\"13\" fill=\"#1c2024\" role=\"img\" aria-label=\"{2}\">\n"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n{3}</svg>\n",
      width, height, Escaped(label), body);
}

std::string SvgText(double x, double y, const std::string& attributes, const std::string& text) {
  return fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\"{}>{}</text>\n", x, y, attributes, Escaped(text));
}

std::string SvgPath(const std::string& path, const std::string& attributes) {
  return fmt::format("<path d=\"{}\"{}/>\n", path, attributes);
}

std::string SvgMarkAt(const SvgMark& mark, double x, double y) {
  return SvgPath(mark.outline,
                 fmt::format(" transform=\"translate({:.1f},{:.0f})\" fill=\"{}\" fill-opacity=\"0.85\"", x,
                             y, mark.color));
}

}  // namespace bench

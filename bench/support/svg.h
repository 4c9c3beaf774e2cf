// Pieces of the charts for documents that cannot hold a page with scripts.
#ifndef BENCH_SUPPORT_SVG_H_
#define BENCH_SUPPORT_SVG_H_

#include <string>

namespace bench {

// Attributes of lines that stay behind the data.
constexpr char kSvgGrid[] = " stroke=\"#cfd5da\"";
constexpr char kSvgDashed[] = " stroke=\"#1c2024\" stroke-dasharray=\"3 3\"";

// How the points of a quantity look. Each differs from the others in color and outline, so that nobody has to
// tell colors apart.
struct SvgMark {
  const char* color;
  const char* outline;  // Around the origin.
};
constexpr SvgMark kBlueSquare = {"#2166ac", "M-5,-5H5V5H-5Z"};
constexpr SvgMark kRedDiamond = {"#c2390a", "M0,-6L6,0L0,6L-6,0Z"};
constexpr SvgMark kGreenTriangle = {"#0d7a68", "M0,-6L6,5H-6Z"};
constexpr SvgMark kGrayCross = {"#4d4f57", "M-2,-6H2V-2H6V2H2V6H-2V2H-6V-2H-2Z"};

// A file: `body` on white. `label` is what those hear who do not see it.
std::string SvgFile(int width, int height, const std::string& label, const std::string& body);

// `attributes` begin with a space, or are empty.
std::string SvgText(double x, double y, const std::string& attributes, const std::string& text);
std::string SvgPath(const std::string& path, const std::string& attributes);
std::string SvgMarkAt(const SvgMark& mark, double x, double y);

}  // namespace bench

#endif  // BENCH_SUPPORT_SVG_H_

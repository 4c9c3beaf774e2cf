// The update data label as text, HTML and JSON. Two layers: one screen, and where its figures come from.
#ifndef TOOLS_FWDELTA_LABEL_REPORT_H_
#define TOOLS_FWDELTA_LABEL_REPORT_H_

#include <string>

#include "fwdelta/cost_options.h"
#include "fwdelta/json.h"
#include "libdelta/cost/catalog.h"
#include "libdelta/cost/label.h"

namespace fwdelta {

struct LabelReport {
  std::string product;
  std::string prices_as_of;
  UpdateSize size;  // With a summary.
  bool is_paid_by_user = true;
  std::string installed;  // "automatic", "postponable", "on-request"; empty: not stated.
  std::string flash_note;
  libdelta::Battery battery;
  libdelta::UpdateLabel label;
};

std::string ToText(const LabelReport& report, const libdelta::Catalog& catalog);

// A page of its own: no scripts, no requests, no meaning in colour.
std::string ToHtml(const LabelReport& report, const libdelta::Catalog& catalog);

Json ToJson(const LabelReport& report, const libdelta::Catalog& catalog);

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_LABEL_REPORT_H_

// Templates stand in each other's way: a wrong prediction does no harm where one that is tried before it is
// right. So sets of them are compared, by walking through what they predict like a decoder. What that would
// cost is estimated.
#include "libdelta/host/template_judge.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "libdelta/host/bit_cost.h"
#include "libdelta/host/parallel.h"

namespace libdelta {
namespace {

// In cost units. What a miss costs is more than its bits: what matches nowhere is copied in pieces.
constexpr int64_t kMissCost = 14 * kBitCostOne;       // A byte that is not as expected.
constexpr int64_t kBlockCost = kBitCostOne / 2;       // A block in which something is not.
constexpr int64_t kTemplateCost = 110 * kBitCostOne;  // In the prologue, and then some.
constexpr int64_t kLooseCost = 1500 * kBitCostOne;  // Of one that any word fits: it also misleads the parse.
constexpr int64_t kFlagShare = 4;  // Contexts tell right from wrong at this part of what counts alone would.

bool IsSame(const Template& a, const Template& b) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&a);
  return std::equal(bytes, bytes + sizeof(Template), reinterpret_cast<const uint8_t*>(&b));
}

// To tell `a` things from `b` others.
int64_t FlagCost(uint64_t a, uint64_t b) {
  const auto cost = [&](uint64_t count) {
    return count == 0 ? 0 : static_cast<int64_t>(count * (Log2Cost(a + b) - Log2Cost(count)));
  };
  return (cost(a) + cost(b)) / kFlagShare;
}

}  // namespace

TemplateJudge::TemplateJudge(ByteView old_image, ByteView new_image, const Plan& plan, unsigned threads)
    : old_(old_image), new_(new_image), plan_(plan), relocator_(plan, old_image.size()), threads_(threads) {
  for (size_t i = 0; i < plan.image_map.size(); ++i) {
    const MapEntry& entry = plan.image_map[i];
    if (!entry.anchor) segments_.push_back({entry.old_position, entry.new_position, plan.segment_lengths[i]});
  }
  std::sort(segments_.begin(), segments_.end(),
            [](const Segment& a, const Segment& b) { return a.to < b.to; });
  for (const Segment& s : segments_) {
    for (uint64_t k = 0; k < s.length; ++k) {
      if (old_[s.from + k] != new_[s.to + k]) changed_.push_back(static_cast<uint32_t>(s.to + k));
    }
  }
}

int64_t TemplateJudge::PriceOf(const Template& t) const {
  const bool is_pointer = t.origin == 0 && t.base[kOldSide] == 0 && t.last_bit == 31;
  return IsLoose(t) && !(is_pointer && plan_.base_known) ? kLooseCost : kTemplateCost;
}

const TemplateJudge::Claims* TemplateJudge::FindClaims(const Template& t) const {
  for (const Claims& known : claims_) {
    if (IsSame(known.form, t)) return &known;
  }
  return nullptr;
}

void TemplateJudge::CollectClaims(Claims* claims) const {
  const Template& t = claims->form;
  const uint32_t step = t.align_mask + 1u;
  const uint32_t width = Width(t);
  for (const Segment& s : segments_) {
    const uint32_t start = plan_.base + static_cast<uint32_t>(s.from);
    for (uint64_t k = (0u - start) & t.align_mask; k + width <= s.length; k += step) {
      Words words;
      if (!FindReference(t, old_, s.from + k, &words)) continue;
      const std::optional<uint32_t> change = relocator_.Change(t, words, s.from + k, s.to + k);
      if (!change) continue;
      const bool right = *change == LoadWord(new_.data() + s.to + k, width, t.order);
      claims->all.push_back(static_cast<Claim>((s.to + k) << 1 | right));
      claims->right += right;
    }
  }
}

// Of the segments with these templates, in cost units.
int64_t TemplateJudge::Cost(const std::vector<const Claims*>& set) {
  {
    const std::lock_guard lock(costs_mutex_);
    const auto known = costs_.find(set);
    if (known != costs_.end()) return known->second;
  }
  const int64_t cost = Measure(set);
  const std::lock_guard lock(costs_mutex_);
  costs_.emplace(set, cost);
  return cost;
}

int64_t TemplateJudge::Measure(const std::vector<const Claims*>& set) const {
  constexpr uint64_t kEnd = std::numeric_limits<uint64_t>::max();
  // How far each one's claims have been walked through, and what became of them.
  struct Walk {
    size_t next = 0;
    uint64_t right = 0;
    uint64_t wrong = 0;
  };
  std::vector<Walk> walks(set.size());
  size_t change = 0;
  uint64_t misses = 0;
  uint64_t blocks = 0;
  uint64_t last_block = kEnd;
  for (uint64_t position = 0;;) {
    while (change < changed_.size() && changed_[change] < position) ++change;
    const uint64_t changed_at = change < changed_.size() ? changed_[change] : kEnd;
    uint64_t at = changed_at;
    for (size_t i = 0; i < set.size(); ++i) {
      const std::vector<Claim>& all = set[i]->all;
      size_t& next = walks[i].next;
      while (next < all.size() && all[next] >> 1 < position) ++next;
      if (next < all.size()) at = std::min<uint64_t>(at, all[next] >> 1);
    }
    if (at == kEnd) break;
    uint32_t wrong = 0;
    uint32_t width = 0;  // Of the prediction that is right.
    // Decoders try the last one first.
    for (size_t i = set.size(); i-- > 0 && width == 0;) {
      const std::vector<Claim>& all = set[i]->all;
      Walk& walk = walks[i];
      if (walk.next == all.size() || all[walk.next] >> 1 != at) continue;
      if (all[walk.next] & 1) {
        ++walk.right;
        width = Width(set[i]->form);
      } else {
        ++walk.wrong;
        ++wrong;
      }
    }
    const bool missed = width == 0 && changed_at == at;
    misses += missed;
    if ((missed || wrong != 0) && at / kBlock != last_block) {
      last_block = at / kBlock;
      ++blocks;
    }
    position = at + std::max(width, 1u);
  }
  int64_t cost = static_cast<int64_t>(misses) * kMissCost + static_cast<int64_t>(blocks) * kBlockCost;
  for (size_t i = 0; i < set.size(); ++i) {
    cost += FlagCost(walks[i].right, walks[i].wrong) + PriceOf(set[i]->form);
  }
  return cost;
}

TemplateJudge::Choice TemplateJudge::Choose(const std::vector<Template>& candidates, size_t limit) {
  return ChooseOfEach({candidates}, limit).front();
}

std::vector<TemplateJudge::Choice> TemplateJudge::ChooseOfEach(
    const std::vector<std::vector<Template>>& lists, size_t limit) {
  const size_t known = claims_.size();
  for (const std::vector<Template>& candidates : lists) {
    for (const Template& t : candidates) {
      if (FindClaims(t) == nullptr) claims_.push_back({t, {}, 0});
    }
  }
  ForEachParallel(claims_.size() - known, threads_, [&](size_t i) { CollectClaims(&claims_[known + i]); });
  std::vector<Choice> choices(lists.size());
  const unsigned threads = lists.size() == 1 ? threads_ : 1;
  ForEachParallel(lists.size(), threads_,
                  [&](size_t i) { choices[i] = ChooseByClaims(lists[i], limit, threads); });
  return choices;
}

TemplateJudge::Choice TemplateJudge::ChooseByClaims(const std::vector<Template>& candidates, size_t limit,
                                                    unsigned threads) {
  std::vector<const Claims*> claims;
  for (const Template& t : candidates) claims.push_back(FindClaims(t));
  // The best one alone comes first.
  std::vector<std::pair<int64_t, size_t>> order;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const int64_t most = static_cast<int64_t>(kMaxUnit * claims[i]->right) * kMissCost;
    if (most > PriceOf(candidates[i])) order.emplace_back(0, i);
  }
  ForEachParallel(order.size(), threads, [&](size_t i) { order[i].first = Cost({claims[order[i].second]}); });
  std::sort(order.begin(), order.end());
  std::vector<bool> chosen(candidates.size(), false);
  const auto cost_of_chosen = [&] {
    std::vector<const Claims*> set;
    for (size_t i = 0; i < claims.size(); ++i) {
      if (chosen[i]) set.push_back(claims[i]);
    }
    return Cost(set);
  };
  const int64_t without = cost_of_chosen();
  int64_t cost = without;
  for (const auto& [alone, i] : order) {
    if (limit == 0) break;
    chosen[i] = true;
    const int64_t with = cost_of_chosen();
    chosen[i] = with < cost;
    limit -= chosen[i];
    cost = std::min(cost, with);
  }
  // Others may do what one was chosen for.
  for (const auto& [alone, i] : order) {
    if (!chosen[i]) continue;
    chosen[i] = false;
    const int64_t less = cost_of_chosen();
    chosen[i] = less > cost;
    cost = std::min(cost, less);
  }
  Choice choice{{}, (without - cost) / kBitCostOne};
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (chosen[i]) choice.templates.push_back(candidates[i]);
  }
  return choice;
}

}  // namespace libdelta

#include "libdelta/host/payload.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <span>
#include <utility>

#include "libdelta/host/analysis.h"
#include "libdelta/host/anchors.h"
#include "libdelta/host/discovery.h"
#include "libdelta/host/encode_port.h"
#include "libdelta/host/isa.h"
#include "libdelta/host/journal_plan.h"
#include "libdelta/host/parallel.h"
#include "libdelta/host/parse.h"
#include "libdelta/host/places.h"
#include "libdelta/host/ram_map.h"
#include "libdelta/host/template_judge.h"

namespace libdelta {
namespace {

constexpr uint64_t kMinSegment = 16;

// The copies that make good map entries: long, and not copies of what a longer one covers already.
std::vector<Operation> SelectSegments(const std::vector<Operation>& parse, size_t limit) {
  std::vector<Operation> candidates;
  for (const Operation& o : parse) {
    if (o.kind == OperationKind::kOld && o.length >= kMinSegment) candidates.push_back(o);
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Operation& a, const Operation& b) { return a.length > b.length; });
  std::vector<Operation> segments;
  std::map<uint64_t, uint64_t> covered;  // Old ranges, nearly disjoint: start -> end.
  for (const Operation& o : candidates) {
    if (segments.size() == limit) break;
    const uint64_t end = o.source + o.length;
    uint64_t overlap = 0;
    for (auto it = covered.lower_bound(end); it != covered.begin();) {
      --it;
      if (it->second <= o.source) break;
      overlap += std::min(end, it->second) - std::max(o.source, it->first);
    }
    if (overlap * 4 > o.length) continue;
    uint64_t& kept_end = covered[o.source];
    kept_end = std::max(kept_end, end);
    segments.push_back(o);
  }
  return segments;
}

// Splits a parse into the segments of the address map and the operations between them.
void AdoptParse(const std::vector<Operation>& parse, size_t max_segments, Plan* plan) {
  std::vector<Operation> segments = SelectSegments(parse, max_segments);
  std::sort(segments.begin(), segments.end(), [](const Operation& a, const Operation& b) {
    return a.source != b.source ? a.source < b.source : a.position < b.position;
  });
  plan->image_map.clear();
  plan->segment_lengths.clear();
  for (const Operation& s : segments) {
    plan->image_map.push_back({s.source, s.position});
    plan->segment_lengths.push_back(s.length);
  }
  std::sort(segments.begin(), segments.end(),
            [](const Operation& a, const Operation& b) { return a.position < b.position; });
  plan->operations.clear();
  size_t next = 0;
  for (const Operation& o : parse) {
    if (next < segments.size() && segments[next].position == o.position) {
      ++next;
    } else {
      plan->operations.push_back(o);
    }
  }
}

bool IsAbsolute(const Template& t) { return t.origin == 0 && t.base[kOldSide] == 0 && !IsShortPointer(t); }

// What absolute references outside the image say before and after, where nothing else is predicted.
std::vector<WordPair> PairedTargets(ByteView old_image, ByteView new_image, const Plan& plan) {
  const Relocator relocator(plan, old_image.size());
  std::vector<WordPair> pairs;
  for (size_t s = 0; s < plan.image_map.size(); ++s) {
    const uint64_t from = plan.image_map[s].old_position;
    const uint64_t to = plan.image_map[s].new_position;
    for (uint64_t k = 0, width = 1; k < plan.segment_lengths[s]; k += width) {
      width = 1;
      const uint32_t address = plan.base + static_cast<uint32_t>(from + k);
      for (const Template& t : plan.templates) {
        if ((address & t.align_mask) || k + Width(t) > plan.segment_lengths[s]) continue;
        Words before;
        if (!FindReference(t, old_image, from + k, &before)) continue;
        const uint32_t target = Target(t, Gather(t, before.at), address, kOldSide);
        if (target - plan.base >= old_image.size()) {
          if (!IsAbsolute(t)) continue;
          Words after;
          if (FindReference(t, new_image, to + k, &after))
            pairs.emplace_back(target, Target(t, Gather(t, after.at), 0, kNewSide));
        } else if (relocator.Change(t, before, from + k, to + k)) {
          width = Width(t);
          break;
        }
      }
    }
  }
  return pairs;
}

bool HasAbsolute(const Plan& plan) {
  return std::any_of(plan.templates.begin(), plan.templates.end(), IsAbsolute);
}

// Codes the plan. Empty if the applier's arena is too small for it.
std::optional<Payload> Code(ByteView old_image, ByteView new_image, const Plan& plan, uint32_t arena_size,
                            CostTrace* trace = nullptr) {
  Payload payload;
  std::vector<uint64_t> arena((arena_size + 7) / 8);
  EncodePort port(old_image, new_image, plan, &payload.data, trace);
  const auto codec = std::make_unique<Codec<EncodePort>>();
  codec->Start(&port, reinterpret_cast<uint8_t*>(arena.data()), arena_size, old_image.size(),
               new_image.size());
  libdelta_status status;
  do {
    status = codec->Step();
  } while (status == LIBDELTA_NEED_INPUT);
  if (status != LIBDELTA_OK) return std::nullopt;
  port.Finish();
  // A decoder reads zeros beyond the end, but not many.
  for (int i = 0; i < 2 && payload.data.size() > 1 && payload.data.back() == 0; ++i) payload.data.pop_back();
  payload.cost = port.cost();
  payload.plan = plan;
  return payload;
}

// How much of the arena the parts of a plan may take; the model gets the rest.
struct Limits {
  size_t templates;
  size_t map_entries;
  size_t ram_entries;
};

// Bytes of a position in the image map.
uint32_t PositionWidth(uint64_t longest_image) {
  uint32_t width = 1;
  while (width < 8 && longest_image >> (8 * width - 1) != 0) ++width;
  return width;
}

Limits LimitsFor(uint32_t arena, uint64_t longest_image) {
  return {std::min<size_t>(kMaxTemplates, arena / 6 / sizeof(Template)),
          std::min<size_t>(kMaxEntries, arena * 2 / 5 / (2 * PositionWidth(longest_image))), arena / 10 / 8};
}

// Maps and templates are stored in the journal, and must leave room there for what is written while the
// update goes on. `limits` with as much of maps as there is beside `templates` templates.
Limits WithinJournal(const PayloadOptions& options, ByteView old_image, ByteView new_image, Limits limits,
                     size_t templates) {
  const InPlaceLayout& layout = *options.in_place;
  const PageOrder order(layout, old_image, new_image, {});
  const uint32_t groups = static_cast<uint32_t>(order.pages().size() * 2 / (order.capacity() + 1)) + 1;
  const uint32_t taken = static_cast<uint32_t>(std::min(limits.templates, templates) * sizeof(Template));
  const JournalPlan journal(layout, options.header_size, taken, order.capacity());
  const size_t maps = journal.RoomForParts(groups);
  const size_t width = 2 * PositionWidth(std::max(old_image.size(), new_image.size()));
  limits.ram_entries = std::min(limits.ram_entries, maps / 8 / 8);
  limits.map_entries = std::min(limits.map_entries, (maps - limits.ram_entries * 8) / width);
  return limits;
}

// One image pair on its way to a plan.
class Planner {
 public:
  // `discover`: look for references that no template set has, unless the options name a set.
  Planner(ByteView old_image, ByteView new_image, const PayloadOptions& options, bool discover,
          const Limits& limits)
      : old_(old_image), new_(new_image), limits_(limits), threads_(options.threads) {
    // A group that nothing follows is none, and a device need not hold the size of it.
    if (options.group_blocks < new_.size() / kBlock) plan_.group_blocks = options.group_blocks;
    if (old_.empty()) plan_.limit = kMaxConfidence;
    plan_.places = ChoosePlaces(new_);
    if (old_.size() > kMaxReferenceImage || new_.size() > kMaxReferenceImage) return;
    if (old_.empty()) {
      ExpectKept(options.isa ? FindSet(*options.isa) : DetectSet(new_));
      return;
    }
    ImageBase base = FindBase(old_, threads_);
    if (options.load_address) {
      base.found = true;
      base.address = static_cast<uint32_t>(*options.load_address);
    }
    plan_.base = base.address;
    plan_.base_known = base.found;
    tables_ = OffsetTables(old_, new_, base.address);
    if (base.found) pointer_ = PointerTemplate(base.big_endian);
    settled_ = options.isa.has_value();
    discover_ = settled_ ? *options.isa == kDiscoverIsa : discover;
    Expect(settled_ ? FindSet(*options.isa) : DetectSet(old_));
  }

  // Of a whole image: looks for the calls of `set` that copies from the output keep.
  void ExpectKept(const TemplateSet* set) {
    if (!set) return;
    std::copy_if(set->calls.begin(), set->calls.end(), std::back_inserter(plan_.templates), IsKept);
    if (plan_.templates.size() > limits_.templates) plan_.templates.clear();
  }

  // Looks for the references of `set`, or only for pointers.
  void Expect(const TemplateSet* set) {
    set_ = set;
    plan_.templates.clear();
    if (set) plan_.templates = set->calls;
    if (pointer_) plan_.templates.push_back(*pointer_);
    plan_.templates.insert(plan_.templates.end(), tables_.begin(), tables_.end());
    if (plan_.templates.size() > limits_.templates) plan_.templates.clear();
  }

  // Looks for references of the templates chosen.
  void Scan() {
    if (index_ != nullptr || (old_.empty() && old_scan_)) return;
    const Relocator relocator(plan_, old_.size());
    const Relocator* known = plan_.image_map.empty() ? nullptr : &relocator;
    ForEachParallel(2, threads_, [&](size_t side) {
      if (side == kNewSide) {
        new_scan_.emplace(new_, kNewSide, plan_.templates, plan_.base, known);
      } else {
        old_scan_.emplace(old_, kOldSide, plan_.templates, plan_.base, known);
        index_ = MakeIndex(old_scan_->normalised());
      }
    });
    input_ = {old_, new_, &*old_scan_, &*new_scan_, index_.get()};
  }

  // Finds the segments with what is known of references so far.
  void Refine(bool maps_known, const ParsePrices& prices, int tries) {
    constexpr size_t kWindow = 64u << 10;  // So that there are several.
    Scan();
    Adopt(Parse(input_, plan_, {maps_known, prices, tries, kWindow, threads_}));
  }

  void Adopt(std::vector<Operation> parse) {
    parse_ = std::move(parse);
    AdoptParse(parse_, limits_.map_entries, &plan_);
    if (HasAbsolute(plan_)) FitRamMap(PairedTargets(old_, new_, plan_), limits_.ram_entries, &plan_);
    AddAnchors(old_, new_, limits_.map_entries - plan_.image_map.size(), &plan_);
  }

  // Keeps the templates that pay. False: those of another set seem to, which is now expected instead.
  bool ChooseTemplates() {
    if (old_.size() > kMaxReferenceImage || new_.size() > kMaxReferenceImage) return true;
    index_.reset();
    if (!settled_) {
      settled_ = true;
      const TemplateSet* best = BestSet();
      if (best != set_) {
        Expect(best);
        return false;
      }
    }
    TemplateJudge judge(old_, new_, plan_, threads_);
    std::vector<Template> candidates = AllOf(set_);
    plan_.templates = judge.Choose(candidates, limits_.templates).templates;
    if (!discover_) return true;
    const std::vector<Template> found = DiscoverTemplates(old_, new_, plan_, limits_.templates, threads_);
    candidates.insert(candidates.end(), found.begin(), found.end());
    plan_.templates = judge.Choose(candidates, limits_.templates).templates;
    return true;
  }

  // Several parses of what was scanned follow.
  void PrepareMatches(const ParseOptions& options) {
    matches_ = libdelta::PrepareMatches(input_, options);
    input_.matches = &matches_;
  }

  // Plans in what order the pages of a slot are rewritten, by the last parse.
  void OrderPages(const InPlaceLayout& layout) {
    plan_.order = std::make_shared<PageOrder>(layout, old_, new_, parse_);
    input_.order = plan_.order.get();
  }

  // Makes the adopted parse one for that order. False: the journal does not fit.
  bool Arrange(const PayloadOptions& options) {
    plan_.operations = plan_.order->Arrange(plan_.operations);
    const uint64_t longest = std::max(old_.size(), new_.size());
    const uint32_t parts = static_cast<uint32_t>(
        plan_.templates.size() * sizeof(Template) +
        TableSize(static_cast<uint32_t>(plan_.image_map.size()), PositionWidth(longest)) +
        plan_.ram_map.size() * 8);
    if (parts + kModelSize > options.arena) return false;
    const JournalPlan journal(*options.in_place, options.header_size, parts, plan_.order->capacity());
    if (!journal.Fits()) return false;
    plan_.snapshot_units =
        journal.SnapshotUnits(*plan_.order, (options.arena - parts - kModelSize) / kSlotUnitSize);
    const auto order = std::make_shared<PageOrder>(*plan_.order);
    if (!journal.Schedule(plan_.snapshot_units, order.get())) return false;
    plan_.order = order;
    return true;
  }

  // A copy of the plan that can adopt another parse; scans and index stay here.
  Planner Variant() const { return Planner(old_, new_, limits_, plan_); }

  const ParseInput& input() const { return input_; }
  const Plan& plan() const { return plan_; }

 private:
  Planner(ByteView old_image, ByteView new_image, const Limits& limits, const Plan& plan)
      : old_(old_image), new_(new_image), limits_(limits), plan_(plan) {}

  // The templates of a set, which may be null, and those of data.
  std::vector<Template> AllOf(const TemplateSet* set) const {
    std::vector<Template> all;
    if (set) {
      all = set->calls;
      all.insert(all.end(), set->others.begin(), set->others.end());
    }
    const std::vector<Template> data = DataTemplates();
    all.insert(all.end(), data.begin(), data.end());
    all.insert(all.end(), tables_.begin(), tables_.end());
    return all;
  }

  // The set that gains most: clearly more than data alone, as some kinds of references are nearly noise.
  const TemplateSet* BestSet() const {
    constexpr int64_t kLead = 500;  // Bits.
    Plan plan = plan_;
    plan.ram_map.clear();  // It explains anything a little.
    std::vector<const TemplateSet*> sets = {nullptr};
    if (set_) sets.push_back(set_);
    for (const TemplateSet& set : TemplateSets()) {
      if (&set != set_ && !set.calls.empty()) sets.push_back(&set);
    }
    std::vector<std::vector<Template>> lists;
    for (const TemplateSet* set : sets) lists.push_back(AllOf(set));
    const auto choices = TemplateJudge(old_, new_, plan, threads_).ChooseOfEach(lists, limits_.templates);
    size_t best = 0;
    for (size_t i = 1; i < sets.size(); ++i) {
      if (choices[i].gain > choices[best].gain + (best == 0 ? kLead : 0)) best = i;
    }
    return sets[best];
  }

  static constexpr uint64_t kMaxReferenceImage = 64u << 20;  // Larger ones are copied without templates.

  ByteView old_;
  ByteView new_;
  const Limits limits_;
  const unsigned threads_ = 1;
  Plan plan_;
  std::vector<Operation> parse_;      // The one adopted last.
  std::optional<Template> pointer_;   // If the load address is known.
  std::vector<Template> tables_;      // Words that count from the start of a table.
  const TemplateSet* set_ = nullptr;  // The instruction set that it seems to have,
  bool settled_ = false;              // whether others have been tried,
  bool discover_ = false;             // and whether to look for what no set has.
  std::optional<ReferenceScan> old_scan_;
  std::optional<ReferenceScan> new_scan_;
  std::unique_ptr<OldIndex> index_;
  ParseInput input_{};
  std::deque<Matches> matches_;
};

// Prices for the last parse. Which are best depends on how much new code there is, and of what kind.
using Prices = std::array<ParsePrices, 6>;
constexpr Prices kDeltaPrices = {{{40, 14}, {36, 24}, {52, 10}, {40, 10}, {34, 11}, {64, 18}}};
constexpr Prices kWholePrices = {{{48, 10}, {64, 10}, {40, 10}, {56, 12}, {32, 8}, {48, 14}}};
// Larger images get the first only.
constexpr uint64_t kMaxVariantImage = 4u << 20;

// What an effort buys.
struct Effort {
  int early_tries;  // In the output, by parses that only serve the plan;
  int tries;        // by those that are coded.
  size_t variants;  // Of these.
  bool discover;    // Whether to look for references that no template set has.
  int rounds;       // Of parses with the maps known, before these.
  bool rates;       // Whether to try other final rates for the best of these.
};
constexpr std::array<Effort, kMostEffort> kEfforts = {{{4, 8, 1, false, 0, false},
                                                       {4, 16, 1, false, 1, false},
                                                       {8, 24, 1, true, 1, false},
                                                       {16, 32, 2, true, 1, false},
                                                       {16, 64, 4, true, 1, true},
                                                       {64, 400, 4, true, 2, true},
                                                       {64, 1000, 5, true, 2, true},
                                                       {400, 1000, 6, true, 2, true},
                                                       {400, 4000, 6, true, 3, true}}};

// Empty if none is there; of equal ones the first.
std::optional<Payload> Smallest(std::span<std::optional<Payload>> payloads) {
  std::optional<Payload> best;
  for (std::optional<Payload>& payload : payloads) {
    if (payload && (!best || payload->data.size() < best->data.size())) best = std::move(payload);
  }
  return best;
}

// In larger payloads other final rates make hardly a difference, and take the longest to try.
constexpr size_t kMaxRatedPayload = 64u << 10;

// Codes the plan with other final rates of slots as well.
std::optional<Payload> WithBestRate(ByteView old_image, ByteView new_image, Payload usual,
                                    const PayloadOptions& options) {
  constexpr std::array<uint32_t, 2> kOthers = {10, kMaxConfidence};
  std::array<std::optional<Payload>, 1 + kOthers.size()> payloads;
  ForEachParallel(kOthers.size(), options.threads, [&](size_t i) {
    if (kOthers[i] == usual.plan.limit) return;
    Plan plan = usual.plan;
    plan.limit = kOthers[i];
    payloads[1 + i] = Code(old_image, new_image, plan, options.arena);
  });
  payloads[0] = std::move(usual);
  return Smallest(payloads);
}

std::optional<Payload> TryEncode(ByteView old_image, ByteView new_image, const PayloadOptions& options,
                                 const Limits& limits) {
  const auto report = [&](int permille) {
    if (options.progress) options.progress(permille);
  };
  const Effort& effort = kEfforts[static_cast<size_t>(options.effort - kLeastEffort)];
  const Prices& prices = old_image.empty() ? kWholePrices : kDeltaPrices;
  Planner planner(old_image, new_image, options, effort.discover, limits);
  // Without maps there is nothing to find out before the last parse.
  if (!old_image.empty()) {
    planner.Refine(false, prices[0], effort.early_tries);
    report(300);
    if (!planner.ChooseTemplates()) {
      planner.Refine(false, prices[0], effort.early_tries);
      planner.ChooseTemplates();
    }
    for (int i = 0; i < effort.rounds; ++i) {
      planner.Refine(true, prices[0], effort.early_tries);
      if (i == 0) planner.ChooseTemplates();  // More of them show where more is matched.
    }
  }
  planner.Scan();
  report(600);
  if (options.in_place) planner.OrderPages(*options.in_place);
  std::array<std::optional<Payload>, std::tuple_size_v<Prices>> payloads;
  size_t variants = new_image.size() <= kMaxVariantImage ? effort.variants : 1;
  // Pages in any order make copies from the output rarer, and their price harder to tell.
  if (options.in_place && variants > 2) variants = prices.size();
  ParseOptions last;
  last.maps_known = true;
  last.output_tries = effort.tries;
  last.threads = options.threads;
  if (variants > 1) {
    planner.PrepareMatches(last);
    last.threads = 1;
  }
  const auto code = [&](size_t i) {
    Planner variant = planner.Variant();
    ParseOptions parse = last;
    parse.prices = prices[i];
    variant.Adopt(Parse(planner.input(), planner.plan(), parse));
    if (options.in_place && !variant.Arrange(options)) return;
    payloads[i] = Code(old_image, new_image, variant.plan(), options.arena);
  };
  const bool judged = options.useless_size != SIZE_MAX;
  if (judged) {
    code(0);
    if (payloads[0] && payloads[0]->data.size() > options.useless_size + options.useless_size / 8) {
      return std::move(payloads[0]);
    }
  }
  ForEachParallel(variants - judged, options.threads, [&](size_t i) { code(i + judged); });
  std::optional<Payload> best = Smallest(payloads);
  if (best && effort.rates && best->data.size() <= kMaxRatedPayload)
    best = WithBestRate(old_image, new_image, std::move(*best), options);
  report(1000);
  return best;
}

// In the smallest arenas a plan may not fit beside the model: asks for less until it does.
Payload EncodeWithin(ByteView old_image, ByteView new_image, const PayloadOptions& options, Limits limits) {
  while (true) {
    std::optional<Payload> payload = TryEncode(old_image, new_image, options, limits);
    if (payload) return std::move(*payload);
    if (limits.templates + limits.map_entries + limits.ram_entries == 0) return {};
    limits = {limits.templates * 2 / 3, limits.map_entries * 3 / 4, limits.ram_entries * 3 / 4};
  }
}

// A journal in a small page has room for templates or for maps; only a try tells which are worth more.
Payload EncodeForJournal(ByteView old_image, ByteView new_image, PayloadOptions options, const Limits& most) {
  constexpr size_t kUsual = 8;     // So many templates are mostly enough,
  constexpr size_t kPlenty = 128;  // and so many entries beside them.
  Limits limits = WithinJournal(options, old_image, new_image, most, kUsual);
  Payload best = EncodeWithin(old_image, new_image, options, limits);
  if (old_image.empty() || limits.map_entries >= kPlenty) return best;
  options.progress = nullptr;  // It has been at the end.
  for (size_t templates = kUsual / 2; templates > 0; templates /= 2) {
    limits = WithinJournal(options, old_image, new_image, most, templates);
    limits.templates = std::min(limits.templates, templates);
    Payload payload = EncodeWithin(old_image, new_image, options, limits);
    if (best.data.empty() || (!payload.data.empty() && payload.data.size() < best.data.size())) {
      best = std::move(payload);
    }
  }
  return best;
}

}  // namespace

Payload EncodePayload(ByteView old_image, ByteView new_image, const PayloadOptions& options) {
  Limits limits{};
  if (options.templates) limits = LimitsFor(options.arena, std::max(old_image.size(), new_image.size()));
  return options.in_place ? EncodeForJournal(old_image, new_image, options, limits)
                          : EncodeWithin(old_image, new_image, options, limits);
}

CostTrace TracePayload(ByteView old_image, ByteView new_image, const Plan& plan, uint32_t arena) {
  using Origin = CostTrace::Origin;
  CostTrace trace;
  Code(old_image, new_image, plan, arena, &trace);
  std::erase_if(trace.costs, [](const CostTrace::Cost& cost) { return cost.cost == 0; });
  for (const Operation& o : plan.operations) {
    const bool is_new = o.kind == OperationKind::kNew;
    const Origin origin = is_new                          ? Origin::kNewCopy
                          : o.kind == OperationKind::kOld ? Origin::kOldCopy
                                                          : Origin::kLiteral;
    trace.pieces.push_back({o.position, o.length, origin, is_new ? o.position - o.source : o.source});
  }
  for (size_t i = 0; i < plan.image_map.size(); ++i) {
    const MapEntry& entry = plan.image_map[i];
    if (entry.anchor) continue;
    trace.pieces.push_back(
        {entry.new_position, plan.segment_lengths[i], Origin::kOldCopy, entry.old_position});
  }
  std::sort(trace.pieces.begin(), trace.pieces.end(),
            [](const CostTrace::Piece& a, const CostTrace::Piece& b) { return a.position < b.position; });
  return trace;
}

}  // namespace libdelta

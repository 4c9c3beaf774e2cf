// Catalogs and price plans as JSON: the tables of their fields, and what must fit together.

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "libdelta/cost/catalog.h"
#include "libdelta/cost/catalog_fields.h"
#include "libdelta/cost/data_files.h"

namespace libdelta {
namespace {

// For members that may be null, which is the same as not being there.
template <typename T, auto kMember, auto kReadFunction>
constexpr Field<T> Nullable(const char* name) {
  return {name, false, [](Reader* reader, const Json& json, const std::string& path, T* object) {
            if (!json.is_null()) kReadFunction(reader, json, path, &(object->*kMember).emplace());
          }};
}

template <typename T, auto kMember, auto kReadFunction>
constexpr Field<T> Read(const char* name, bool required) {
  return {name, required, [](Reader* reader, const Json& json, const std::string& path, T* object) {
            kReadFunction(reader, json, path, &(object->*kMember));
          }};
}

// An optional text that may be null.
template <typename T, auto kMember>
constexpr Field<T> NullableText(const char* name) {
  return {name, false, [](Reader* reader, const Json& json, const std::string& path, T* object) {
            if (!json.is_null()) reader->Read(json, path, &(object->*kMember));
          }};
}

void ReadNumber(Reader* reader, const Json& json, const std::string& path, double* number) {
  reader->Read(json, path, number);
}

void ReadStrings(Reader* reader, const Json& json, const std::string& path, std::vector<std::string>* list) {
  if (!json.is_array()) return reader->Fail(path + ": must be a list of texts");
  for (size_t i = 0; i < json.size(); ++i) {
    reader->Read(json[i], path + "[" + std::to_string(i) + "]", &list->emplace_back());
  }
}

// One of the values of an enumeration up to `kLast`, by its NameOf().
template <auto kLast>
void ReadEnum(Reader* reader, const Json& json, const std::string& path, decltype(kLast)* value) {
  using Enum = decltype(kLast);
  std::string text;
  reader->Read(json, path, &text);
  std::string names;
  for (int i = 0; i <= static_cast<int>(kLast); ++i) {
    const std::string_view name = NameOf(static_cast<Enum>(i));
    if (text == name) *value = static_cast<Enum>(i);
    names += " " + std::string(name);
  }
  if (text != NameOf(*value)) reader->Fail(path + " \"" + text + "\": must be one of" + names);
}

constexpr Field<Range> kCostFields[] = {
    Plain<Range, &Range::low>("low", true),
    Plain<Range, &Range::typical>("typical", true),
    Plain<Range, &Range::high>("high", true),
};

void ReadRange(Reader* reader, const Json& json, const std::string& path, Range* range) {
  ReadObject<Range>(reader, kCostFields, json, path, range);
}

// Of speeds, which are low in cost when they are fast.
constexpr Field<Range> kSpeedFields[] = {
    Plain<Range, &Range::high>("slow", true),
    Plain<Range, &Range::typical>("typical", true),
    Plain<Range, &Range::low>("fast", true),
};

void ReadSpeed(Reader* reader, const Json& json, const std::string& path, Range* range) {
  ReadObject<Range>(reader, kSpeedFields, json, path, range);
}

constexpr Field<Metering> kMeteringFields[] = {
    Plain<Metering, &Metering::quantum_bytes>("quantum_bytes", false),
    Read<Metering, &Metering::scope, ReadEnum<RoundingScope::kSimNetwork>>("scope", false),
    Plain<Metering, &Metering::record_seconds>("record_seconds", false),
    Plain<Metering, &Metering::counts_up>("counts_up", false),
    Plain<Metering, &Metering::counts_overhead>("counts_overhead", false),
    Plain<Metering, &Metering::min_packet_bytes>("min_packet_bytes", false),
    Plain<Metering, &Metering::min_session_bytes>("min_session_bytes", false),
    Plain<Metering, &Metering::bytes_per_second>("bytes_per_second", false),
    Plain<Metering, &Metering::bytes_per_second_after_seconds>("bytes_per_second_after_seconds", false),
};

constexpr Field<Bundle> kBundleFields[] = {
    Nullable<Bundle, &Bundle::price, ReadNumber>("price"),
    Plain<Bundle, &Bundle::mb>("mb", true),
    Nullable<Bundle, &Bundle::years, ReadNumber>("years"),
};

constexpr Field<Block> kBlockFields[] = {
    Plain<Block, &Block::mb>("mb", true),
    Nullable<Block, &Block::price, ReadNumber>("price"),
    Plain<Block, &Block::included_mb>("included_mb", false),
    Nullable<Block, &Block::month_cap, ReadNumber>("month_cap"),
};

constexpr Field<MessagePrice> kMessageFields[] = {
    Plain<MessagePrice, &MessagePrice::max_bytes>("max_bytes", true),
    Plain<MessagePrice, &MessagePrice::credit_bytes>("credit_bytes", true),
    Plain<MessagePrice, &MessagePrice::min_credits>("min_credits", false),
    Nullable<MessagePrice, &MessagePrice::credit_price, ReadRange>("credit_price"),
};

constexpr Field<PricePlan> kFeeFields[] = {
    Nullable<PricePlan, &PricePlan::monthly_fee, ReadNumber>("monthly"),
    Nullable<PricePlan, &PricePlan::daily_fee, ReadNumber>("daily"),
};

// Objects whose fields are in a table, as a function.
template <typename T, const auto& kFields>
void ReadTable(Reader* reader, const Json& json, const std::string& path, T* object) {
  ReadObject<T>(reader, kFields, json, path, object);
}

template <typename T, const auto& kFields>
void ReadTables(Reader* reader, const Json& json, const std::string& path, std::vector<T>* list) {
  ReadList<T>(reader, kFields, json, path, list);
}

void ReadFees(Reader* reader, const Json& json, const std::string& path, PricePlan* plan) {
  ReadObject<PricePlan>(reader, kFeeFields, json, path, plan);
}

constexpr Field<PricePlan> kPlanFields[] = {
    Plain<PricePlan, &PricePlan::id>("id", false),
    Plain<PricePlan, &PricePlan::name>("name", true),
    Read<PricePlan, &PricePlan::payer, ReadEnum<Payer::kOperator>>("payer", false),
    Read<PricePlan, &PricePlan::model, ReadEnum<PriceModel::kMessage>>("model", true),
    Plain<PricePlan, &PricePlan::currency>("currency", true),
    NullableText<PricePlan, &PricePlan::price_date>("price_date"),
    Read<PricePlan, &PricePlan::status, ReadEnum<PriceStatus::kWithdrawn>>("status", false),
    Read<PricePlan, &PricePlan::confidence, ReadEnum<Confidence::kHigh>>("confidence", false),
    Plain<PricePlan, &PricePlan::basis>("basis", false),
    Plain<PricePlan, &PricePlan::note>("note", false),
    Read<PricePlan, &PricePlan::sources, ReadStrings>("sources", false),
    Nullable<PricePlan, &PricePlan::price_per_mb, ReadRange>("price_per_mb"),
    Nullable<PricePlan, &PricePlan::bundle, ReadTable<Bundle, kBundleFields>>("bundle"),
    Nullable<PricePlan, &PricePlan::block, ReadTable<Block, kBlockFields>>("block"),
    Nullable<PricePlan, &PricePlan::message, ReadTable<MessagePrice, kMessageFields>>("message"),
    Read<PricePlan, &PricePlan::metering, ReadTable<Metering, kMeteringFields>>("metering", false),
    {"fees", false, ReadFees},
};

constexpr Field<LoraModulation> kLoraFields[] = {
    Plain<LoraModulation, &LoraModulation::spreading_factor>("spreading_factor", true),
    Plain<LoraModulation, &LoraModulation::bandwidth_hz>("bandwidth_hz", true),
    Plain<LoraModulation, &LoraModulation::coding_rate>("coding_rate", true),
    Plain<LoraModulation, &LoraModulation::preamble_symbols>("preamble_symbols", true),
    Plain<LoraModulation, &LoraModulation::crc>("crc", true),
};

constexpr Field<std::array<bool, 3>> kReceiverFields[] = {
    {"low", true,
     [](Reader* reader, const Json& json, const std::string& path, std::array<bool, 3>* on) {
       reader->Read(json, path, &(*on)[0]);
     }},
    {"typical", true,
     [](Reader* reader, const Json& json, const std::string& path, std::array<bool, 3>* on) {
       reader->Read(json, path, &(*on)[1]);
     }},
    {"high", true,
     [](Reader* reader, const Json& json, const std::string& path, std::array<bool, 3>* on) {
       reader->Read(json, path, &(*on)[2]);
     }},
};

constexpr Field<RadioEnergy> kEnergyFields[] = {
    Read<RadioEnergy, &RadioEnergy::receive_watts, ReadRange>("receive_watts", false),
    Read<RadioEnergy, &RadioEnergy::is_on_between_packets, ReadTable<std::array<bool, 3>, kReceiverFields>>(
        "is_on_between_packets", false),
    Read<RadioEnergy, &RadioEnergy::packet_joules, ReadRange>("packet_joules", false),
    Read<RadioEnergy, &RadioEnergy::byte_joules, ReadRange>("byte_joules", false),
    Read<RadioEnergy, &RadioEnergy::session_joules, ReadRange>("session_joules", false),
};

constexpr Field<FigureNote> kFigureFields[] = {
    Read<FigureNote, &FigureNote::sources, ReadStrings>("sources", true),
    Plain<FigureNote, &FigureNote::basis>("basis", true),
};

void ReadFigures(Reader* reader, const Json& json, const std::string& path,
                 std::vector<FigureNote>* figures) {
  if (!json.is_object())
    return reader->Fail(path + ": must be an object, from fields to where they come from");
  for (const auto& [name, value] : json.items()) {
    FigureNote& note = figures->emplace_back();
    note.field = name;
    ReadObject<FigureNote>(reader, kFigureFields, value, path + "." + name, &note);
  }
}

constexpr Field<Link> kLinkFields[] = {
    Plain<Link, &Link::id>("id", true),
    Plain<Link, &Link::name>("name", true),
    Read<Link, &Link::window, ReadEnum<Window::kMulticastAck>>("window", true),
    Read<Link, &Link::confidence, ReadEnum<Confidence::kHigh>>("confidence", true),
    Plain<Link, &Link::note>("note", false),
    Read<Link, &Link::figures, ReadFigures>("figures", true),
    Plain<Link, &Link::payload_bytes>("payload_bytes", true),
    Plain<Link, &Link::overhead_bytes>("overhead_bytes", true),
    Plain<Link, &Link::request_bytes>("request_bytes", false),
    Nullable<Link, &Link::lora, ReadTable<LoraModulation, kLoraFields>>("lora"),
    Nullable<Link, &Link::packet_seconds, ReadRange>("packet_seconds"),
    Nullable<Link, &Link::rate_bps, ReadSpeed>("rate_bps"),
    Plain<Link, &Link::rate_of_payload>("rate_of_payload", false),
    Nullable<Link, &Link::round_trip_seconds, ReadRange>("round_trip_seconds"),
    Read<Link, &Link::duty, ReadSpeed>("duty", false),
    Plain<Link, &Link::daily_cap_bytes>("daily_cap_bytes", false),
    Plain<Link, &Link::packets_per_session>("packets_per_session", false),
    Plain<Link, &Link::redundancy_percent>("redundancy_percent", false),
    Read<Link, &Link::handshake_bytes, ReadRange>("handshake_bytes", false),
    Plain<Link, &Link::handshake_round_trips>("handshake_round_trips", false),
    Nullable<Link, &Link::energy, ReadTable<RadioEnergy, kEnergyFields>>("energy"),
};

constexpr Field<CostProfile> kProfileFields[] = {
    Plain<CostProfile, &CostProfile::id>("id", true),
    Plain<CostProfile, &CostProfile::name>("name", true),
    Plain<CostProfile, &CostProfile::plan>("plan", true),
    Plain<CostProfile, &CostProfile::link>("link", true),
    Plain<CostProfile, &CostProfile::headline>("headline", false),
};

// Batteries are written in the order of their content: a small one is the dear case.
void ReadBatteryJoules(Reader* reader, const Json& json, const std::string& path, Range* range) {
  ReadRange(reader, json, path, range);
  std::swap(range->low, range->high);
}

constexpr Field<Battery> kBatteryFields[] = {
    Plain<Battery, &Battery::id>("id", true),
    Plain<Battery, &Battery::name>("name", true),
    Read<Battery, &Battery::joules, ReadBatteryJoules>("joules", true),
    Plain<Battery, &Battery::basis>("basis", true),
    Read<Battery, &Battery::sources, ReadStrings>("sources", true),
};

constexpr Field<FlashSpread> kSpreadFields[] = {
    Plain<FlashSpread, &FlashSpread::device>("device", true),
    Read<FlashSpread, &FlashSpread::erase, ReadRange>("erase", true),
    Read<FlashSpread, &FlashSpread::program, ReadRange>("program", true),
    Read<FlashSpread, &FlashSpread::current, ReadRange>("current", true),
    Plain<FlashSpread, &FlashSpread::basis>("basis", true),
    Read<FlashSpread, &FlashSpread::sources, ReadStrings>("sources", true),
};

constexpr Field<EgressPrice> kEgressFields[] = {
    Plain<EgressPrice, &EgressPrice::id>("id", true),
    Plain<EgressPrice, &EgressPrice::currency>("currency", true),
    Plain<EgressPrice, &EgressPrice::price_date>("price_date", true),
    Read<EgressPrice, &EgressPrice::price_per_gb, ReadRange>("price_per_gb", true),
    Plain<EgressPrice, &EgressPrice::included_gb>("included_gb", false),
    Plain<EgressPrice, &EgressPrice::price_per_month>("price_per_month", false),
    Plain<EgressPrice, &EgressPrice::note>("note", false),
    Read<EgressPrice, &EgressPrice::sources, ReadStrings>("sources", true),
};

constexpr Field<IncomeShare> kIncomeFields[] = {
    Plain<IncomeShare, &IncomeShare::id>("id", true),
    Plain<IncomeShare, &IncomeShare::date>("date", true),
    Plain<IncomeShare, &IncomeShare::monthly_income_share_per_gb>("monthly_income_share_per_gb", true),
    Plain<IncomeShare, &IncomeShare::note>("note", false),
    Read<IncomeShare, &IncomeShare::sources, ReadStrings>("sources", true),
};

constexpr Field<PublishedRule> kRuleFields[] = {
    Plain<PublishedRule, &PublishedRule::who>("who", true),
    Plain<PublishedRule, &PublishedRule::text>("text", true),
    Read<PublishedRule, &PublishedRule::sources, ReadStrings>("sources", true),
};

constexpr Field<Source> kSourceFields[] = {
    Plain<Source, &Source::title>("title", true), Plain<Source, &Source::url>("url", true),
    Plain<Source, &Source::date>("date", true),   Plain<Source, &Source::quality>("quality", true),
    Plain<Source, &Source::note>("note", false),
};

// For editors; any text will do.
void ReadSchemaName(Reader* reader, const Json& json, const std::string& path, Catalog* /*catalog*/) {
  std::string name;
  reader->Read(json, path, &name);
}

constexpr Field<Catalog> kCatalogFields[] = {
    {"$schema", false, ReadSchemaName},
    Plain<Catalog, &Catalog::as_of>("as_of", true),
    Read<Catalog, &Catalog::plans, ReadTables<PricePlan, kPlanFields>>("plans", true),
    Read<Catalog, &Catalog::links, ReadTables<Link, kLinkFields>>("links", true),
    Read<Catalog, &Catalog::profiles, ReadTables<CostProfile, kProfileFields>>("profiles", true),
    Read<Catalog, &Catalog::batteries, ReadTables<Battery, kBatteryFields>>("batteries", true),
    Read<Catalog, &Catalog::flash_spreads, ReadTables<FlashSpread, kSpreadFields>>("flash_spread", true),
    Read<Catalog, &Catalog::egress, ReadTables<EgressPrice, kEgressFields>>("vendor_egress", true),
    Read<Catalog, &Catalog::incomes, ReadTables<IncomeShare, kIncomeFields>>("income", true),
    Read<Catalog, &Catalog::rounding_rules, ReadTables<PublishedRule, kRuleFields>>("rounding_rules", true),
    Read<Catalog, &Catalog::not_practical, ReadTables<PublishedRule, kRuleFields>>(
        "not_practical_for_full_images", true),
    Read<Catalog, &Catalog::sources, ReadSources>("sources", true),
};

// What the fields of a catalog must be to each other.
class CatalogChecker {
 public:
  CatalogChecker(const Catalog& catalog, Reader* reader) : catalog_(catalog), reader_(reader) {}

  void Check() {
    for (const PricePlan& plan : catalog_.plans) CheckEntry(plan, "plan ", CheckPlan(plan));
    for (const Link& link : catalog_.links) {
      CheckEntry(link, "link ", CheckLink(link));
      for (const FigureNote& figure : link.figures) {
        CheckSources("link " + link.id + ", " + figure.field, figure.sources, figure.basis);
      }
    }
    for (const PricePlan& plan : catalog_.plans) CheckSources("plan " + plan.id, plan.sources, plan.basis);
    for (const CostProfile& profile : catalog_.profiles) {
      CheckId(profile.id);
      if (catalog_.FindPlan(profile.plan) == nullptr) {
        reader_->Fail("profile " + profile.id + ": there is no plan " + profile.plan);
      }
      if (catalog_.FindLink(profile.link) == nullptr) {
        reader_->Fail("profile " + profile.id + ": there is no link " + profile.link);
      }
    }
    for (const Battery& battery : catalog_.batteries) {
      CheckId(battery.id);
      CheckSources("battery " + battery.id, battery.sources, battery.basis);
      if (!(battery.joules.high > 0)) reader_->Fail("battery " + battery.id + ": joules must be above 0");
    }
    for (const FlashSpread& item : catalog_.flash_spreads) {
      CheckSources("flash_spread " + item.device, item.sources, item.basis);
    }
    for (const EgressPrice& item : catalog_.egress)
      CheckSources("vendor_egress " + item.id, item.sources, "");
    for (const IncomeShare& item : catalog_.incomes) CheckSources("income " + item.id, item.sources, "");
    for (const PublishedRule& rule : catalog_.rounding_rules) {
      CheckSources("rounding_rules, " + rule.who, rule.sources, "");
    }
    for (const PublishedRule& rule : catalog_.not_practical) {
      CheckSources("not_practical_for_full_images, " + rule.who, rule.sources, "");
    }
  }

 private:
  template <typename T>
  void CheckEntry(const T& entry, const std::string& kind, const std::optional<Error>& error) {
    CheckId(entry.id);
    if (error) reader_->Fail(kind + entry.id + ": " + error->message);
  }

  void CheckId(const std::string& id) {
    const bool is_plain = !id.empty() && id.find_first_of(" +,/") == std::string::npos;
    if (!is_plain)
      reader_->Fail("id \"" + id + "\": must not be empty nor have a space, \"+\", \",\" or \"/\"");
    if (!ids_.insert(id).second) reader_->Fail("id \"" + id + "\": there twice; rename one");
  }

  // Every number has a source, or says that it has none.
  void CheckSources(const std::string& where, const std::vector<std::string>& keys,
                    const std::string& basis) {
    for (const std::string& key : keys) {
      if (!catalog_.sources.contains(key)) reader_->Fail(where + ": there is no source \"" + key + "\"");
    }
    if (keys.empty() && !basis.starts_with("assumed") && !basis.starts_with("by definition")) {
      reader_->Fail(where + ": no source; give one, or a basis that begins with \"assumed\"");
    }
  }

  const Catalog& catalog_;
  Reader* reader_;
  std::set<std::string> ids_;
};

}  // namespace

void ReadLink(Reader* reader, const Json& json, const std::string& path, Link* link) {
  ReadObject<Link>(reader, kLinkFields, json, path, link);
}

void ReadPlan(Reader* reader, const Json& json, const std::string& path, PricePlan* plan) {
  ReadObject<PricePlan>(reader, kPlanFields, json, path, plan);
}

void ReadSources(Reader* reader, const Json& json, const std::string& path,
                 std::map<std::string, Source>* sources) {
  if (!json.is_object()) return reader->Fail(path + ": must be an object, from keys to sources");
  for (const auto& [key, value] : json.items()) {
    ReadObject<Source>(reader, kSourceFields, value, path + "." + key, &(*sources)[key]);
  }
}

Result<Catalog> ParseCatalog(std::string_view json, const std::string& file_name) {
  Reader reader;
  const Json parsed = ParseJson(json, &reader);
  Catalog catalog;
  ReadObject<Catalog>(&reader, kCatalogFields, parsed, "", &catalog);
  if (reader.problem().empty()) CatalogChecker(catalog, &reader).Check();
  if (!reader.problem().empty()) return Error{file_name + ": " + reader.problem()};
  return catalog;
}

Result<Catalog> BuiltInCatalog() { return ParseCatalog(ProfilesFile(), "profiles.json"); }

}  // namespace libdelta

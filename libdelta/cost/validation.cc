#include "libdelta/cost/validation.h"

#include <map>
#include <optional>
#include <utility>

#include "libdelta/cost/catalog_fields.h"
#include "libdelta/cost/data_files.h"
#include "libdelta/cost/model.h"

namespace libdelta {
namespace {

struct ObservationFile {
  std::vector<Observation> observations;
  std::vector<std::string> source_keys;  // Of each of them.
  std::map<std::string, Source> sources;
};

// An observation and the key of its source, which is looked up later.
struct Entry {
  Observation observation;
  std::string source_key;
};

template <auto kMember>
constexpr Field<Entry> Of(const char* name) {
  return {name, true, [](Reader* reader, const Json& json, const std::string& path, Entry* entry) {
            reader->Read(json, path, &(entry->observation.*kMember));
          }};
}

void ReadEntryLink(Reader* reader, const Json& json, const std::string& path, Entry* entry) {
  ReadLink(reader, json, path, &entry->observation.link);
}

constexpr Field<Entry> kEntryFields[] = {
    Of<&Observation::id>("id"),
    Of<&Observation::what>("what"),
    Plain<Entry, &Entry::source_key>("source", true),
    Of<&Observation::quantity>("quantity"),
    Of<&Observation::update_bytes>("update_bytes"),
    Of<&Observation::observed_low>("observed_low"),
    Of<&Observation::observed_high>("observed_high"),
    Of<&Observation::plan>("plan"),
    Of<&Observation::inputs>("inputs"),
    Of<&Observation::inputs_from_same_log>("inputs_from_same_log"),
    {"link", true, ReadEntryLink},
};

void ReadObservations(Reader* reader, const Json& json, const std::string& path, ObservationFile* file) {
  std::vector<Entry> entries;
  ReadList<Entry>(reader, kEntryFields, json, path, &entries);
  for (Entry& entry : entries) {
    file->observations.push_back(std::move(entry.observation));
    file->source_keys.push_back(std::move(entry.source_key));
  }
}

void ReadFileSources(Reader* reader, const Json& json, const std::string& path, ObservationFile* file) {
  ReadSources(reader, json, path, &file->sources);
}

constexpr Field<ObservationFile> kFileFields[] = {
    {"observations", true, ReadObservations},
    {"sources", true, ReadFileSources},
};

void CheckObservation(const Observation& observation, Reader* reader) {
  const std::string where = "observation " + observation.id;
  if (!(observation.observed_low > 0 && observation.observed_low <= observation.observed_high)) {
    reader->Fail(where + ": observed_low and observed_high must be above 0 and ascend");
  }
  if (observation.quantity != "seconds" && observation.quantity != "credits") {
    reader->Fail(where + ": quantity \"" + observation.quantity + "\": must be seconds or credits");
  }
}

Result<Validation> Validate(const Catalog& catalog, const Observation& observation) {
  const std::string where = "observation " + observation.id + ": ";
  const PricePlan* plan = catalog.FindPlan(observation.plan);
  if (plan == nullptr) return Error{where + "there is no plan " + observation.plan};
  const Result<Cost> cost = EstimateCost(*plan, observation.link, observation.update_bytes, {});
  if (!cost.ok()) return Error{where + cost.error()};
  Validation validation;
  validation.observation = observation;
  if (observation.quantity == "seconds") {
    validation.predicted = cost.value().transfer_seconds.typical;
  } else {
    if (!cost.value().credits) return Error{where + "plan " + observation.plan + " has no credits"};
    validation.predicted = cost.value().credits->typical;
  }
  validation.error = validation.predicted / observation.observed() - 1;
  return validation;
}

}  // namespace

Result<std::vector<Validation>> ValidateModel(const Catalog& catalog, std::string_view json,
                                              const std::string& file_name) {
  Reader reader;
  const Json parsed = ParseJson(json, &reader);
  ObservationFile file;
  ReadObject<ObservationFile>(&reader, kFileFields, parsed, "", &file);
  for (size_t i = 0; i < file.observations.size() && reader.problem().empty(); ++i) {
    const auto source = file.sources.find(file.source_keys[i]);
    if (source == file.sources.end()) {
      reader.Fail("observation " + file.observations[i].id + ": there is no source " + file.source_keys[i]);
    } else {
      file.observations[i].source = source->second;
    }
    CheckObservation(file.observations[i], &reader);
  }
  if (!reader.problem().empty()) return Error{file_name + ": " + reader.problem()};
  std::vector<Validation> validations;
  for (const Observation& observation : file.observations) {
    Result<Validation> validation = Validate(catalog, observation);
    if (!validation.ok()) return Error{file_name + ": " + validation.error()};
    validations.push_back(std::move(validation.value()));
  }
  return validations;
}

Result<std::vector<Validation>> ValidateModel(const Catalog& catalog) {
  return ValidateModel(catalog, ObservationsFile(), "observations.json");
}

}  // namespace libdelta

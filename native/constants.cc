#include <bpf/btf.h>

#include <cerrno>
#include <cstring>

#include "failure.h"
#include "object.h"

namespace telegen {
namespace {

constexpr char kStep[] = "constants";
constexpr char kSection[] = ".rodata";

struct Section {
  uint8_t *data = nullptr;
  size_t size = 0;
};

// The memory of the map that libbpf makes of the section: what stands there when the object is loaded is what the
// verifier knows.
Section ReadOnlyData(bpf_object *object) {
  Section section;
  bpf_map *map;
  bpf_object__for_each_map(map, object) {
    if (!bpf_map__is_internal(map)) continue;
    // Its name is the object's and the section's in one.
    const std::string name = bpf_map__name(map);
    const size_t length = strlen(kSection);
    if (name.size() < length || name.compare(name.size() - length, length, kSection) != 0) continue;
    section.data = static_cast<uint8_t *>(const_cast<void *>(bpf_map__initial_value(map, &section.size)));
  }
  return section;
}

struct Variable {
  uint32_t offset;
  uint32_t size;
};

std::map<std::string, Variable> Variables(bpf_object *object) {
  std::map<std::string, Variable> variables;
  const btf *types = bpf_object__btf(object);
  const int id = types ? btf__find_by_name_kind(types, kSection, BTF_KIND_DATASEC) : -1;
  if (id < 0) return variables;
  const btf_type *section = btf__type_by_id(types, id);
  const btf_var_secinfo *entry = btf_var_secinfos(section);
  for (uint32_t index = 0; index < btf_vlen(section); index++, entry++) {
    const btf_type *variable = btf__type_by_id(types, entry->type);
    if (!variable) continue;
    variables[btf__name_by_offset(types, variable->name_off)] = {entry->offset, entry->size};
  }
  return variables;
}

}  // namespace

void SetConstants(bpf_object *object, const ObjectSpec &spec) {
  if (spec.constants.empty()) return;
  const Section section = ReadOnlyData(object);
  const std::map<std::string, Variable> variables = Variables(object);
  for (const auto &[name, bytes] : spec.constants) {
    const auto found = variables.find(name);
    if (found == variables.end()) throw Failure(ENOENT, kStep, name, spec.name + " has no constant of this name");
    const Variable &variable = found->second;
    if (bytes.size() > variable.size) {
      throw Failure(E2BIG, kStep, name,
                    std::to_string(bytes.size()) + " bytes do not fit the " + std::to_string(variable.size) +
                        " that it has in " + spec.name);
    }
    if (!section.data || size_t{variable.offset} + variable.size > section.size) {
      throw Failure(EINVAL, kStep, name, "it lies outside of its section in " + spec.name);
    }
    memcpy(section.data + variable.offset, bytes.data(), bytes.size());
  }
}

}  // namespace telegen

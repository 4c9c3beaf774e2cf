#include "bench/support/thumb_images.h"

#include <cstddef>
#include <utility>
#include <vector>

#include "libdelta/sim/random.h"

namespace bench {
namespace {

constexpr uint32_t kFlashBase = 0x08000000;
constexpr uint32_t kRamBase = 0x20000000;
constexpr uint32_t kBytesPerFunction = 150;  // Measured on the output; only steers its size.

class Random {
 public:
  explicit Random(uint64_t seed) : generator_(seed) {}

  uint64_t Next() { return generator_.Next(); }

  uint32_t Below(uint32_t limit) { return static_cast<uint32_t>(generator_.Below(limit)); }

  // Small numbers are the likely ones, as with registers, offsets and constants in code.
  uint32_t SkewedBelow(uint32_t limit) { return Below(1 + Below(limit)); }

  bool PerMille(uint32_t chance) { return Below(1000) < chance; }

 private:
  libdelta::SplitMix64 generator_;
};

enum class Kind { kInstruction, kCall, kLoadPointer };
enum class Target { kFunction, kString, kVariable, kConstant };

struct Pointer {
  Target target;
  uint32_t index;  // Of the target; the value itself for a constant.
};

struct Item {
  Kind kind;
  uint32_t value;  // Instruction halfword, called function, or index into the function's pointers.
};

struct Function {
  std::vector<Item> items;
  std::vector<Pointer> pointers;
};

// Everything a linker would see. Indices are stable: adding a function never renumbers others.
struct Program {
  std::vector<Function> functions;
  std::vector<uint32_t> function_order;
  std::vector<libdelta::Bytes> strings;
  std::vector<uint32_t> variable_sizes;
  std::vector<uint32_t> variable_order;
  std::vector<Pointer> table;
};

uint32_t RandomInstruction(Random& random) {
  const uint32_t r1 = random.SkewedBelow(8);
  const uint32_t r2 = random.SkewedBelow(8);
  // One draw per expression: C++ does not order the operands of `|`.
  switch (random.Below(12)) {
    case 0:
      return 0x2000 | r1 << 8 | random.SkewedBelow(256);  // movs r1, #imm
    case 1:
      return 0x3000 | r1 << 8 | random.SkewedBelow(32);  // adds r1, #imm
    case 2:
      return 0x2800 | r1 << 8 | random.SkewedBelow(64);  // cmp r1, #imm
    case 3:
      return 0x6800 | random.SkewedBelow(32) << 6 | r2 << 3 | r1;  // ldr r1, [r2, #imm]
    case 4:
      return 0x6000 | random.SkewedBelow(32) << 6 | r2 << 3 | r1;  // str r1, [r2, #imm]
    case 5:
      return 0x7800 | random.SkewedBelow(32) << 6 | r2 << 3 | r1;  // ldrb r1, [r2, #imm]
    case 6:
      return 0xd000 | (r1 & 1) << 8 | random.SkewedBelow(40);  // beq, bne
    case 7:
      return 0x4600 | random.SkewedBelow(16) << 3 | r1;  // mov
    case 8:
      return 0x1800 | random.SkewedBelow(8) << 6 | r2 << 3 | r1;  // adds
    case 9:
      return 0x9800 | r1 << 8 | random.SkewedBelow(16);  // ldr r1, [sp, #imm]
    case 10:
      return 0x4000 | random.SkewedBelow(16) << 6 | r2 << 3 | r1;  // ands ... mvns
    default:
      return 0xe000 | random.SkewedBelow(64);  // b
  }
}

Pointer RandomPointer(Random& random, const Program& program) {
  const auto below = [&random](size_t count) { return random.Below(static_cast<uint32_t>(count)); };
  switch (random.Below(8)) {
    case 0:
      return {Target::kConstant, random.Below(1u << 20)};
    case 1:
      return {Target::kFunction, below(program.functions.size())};
    case 2:
    case 3:
      return {Target::kString, below(program.strings.size())};
    default:
      return {Target::kVariable, below(program.variable_sizes.size())};
  }
}

Item RandomItem(Random& random, const Program& program, Function& function) {
  const uint32_t choice = random.Below(20);
  if (choice < 3) {
    // Popular functions (logging, memory) get most of the calls.
    return {Kind::kCall, random.SkewedBelow(static_cast<uint32_t>(program.functions.size()))};
  }
  if (choice < 5) {
    if (function.pointers.empty() || random.Below(3) > 0) {
      function.pointers.push_back(RandomPointer(random, program));
    }
    return {Kind::kLoadPointer, random.Below(static_cast<uint32_t>(function.pointers.size()))};
  }
  return {Kind::kInstruction, RandomInstruction(random)};
}

Function RandomFunction(Random& random, const Program& program) {
  Function function;
  const uint32_t length = 8 + random.SkewedBelow(160);
  function.items.push_back({Kind::kInstruction, 0xb500 | random.SkewedBelow(256)});  // push
  for (uint32_t i = 0; i < length; i++) function.items.push_back(RandomItem(random, program, function));
  function.items.push_back({Kind::kInstruction, 0xbd00 | random.SkewedBelow(256)});  // pop
  return function;
}

libdelta::Bytes RandomString(Random& random) {
  static constexpr char kLetters[] = " eeettaaooiinnsshhrrddllccuummff%s:\n";
  libdelta::Bytes text;
  const uint32_t length = 4 + random.SkewedBelow(40);
  for (uint32_t i = 0; i < length; i++) {
    text.push_back(static_cast<uint8_t>(kLetters[random.Below(sizeof(kLetters) - 1)]));
  }
  text.push_back(0);
  return text;
}

void Put16(libdelta::Bytes& out, uint32_t value) {
  out.push_back(static_cast<uint8_t>(value));
  out.push_back(static_cast<uint8_t>(value >> 8));
}

void Put32(libdelta::Bytes& out, uint32_t value) {
  Put16(out, value & 0xffff);
  Put16(out, value >> 16);
}

// BL, encoding T1 of the Armv7-M reference manual, A7.7.18.
void PutCall(libdelta::Bytes& out, uint32_t from, uint32_t to) {
  const uint32_t offset = to - (from + 4);
  const uint32_t sign = offset >> 24 & 1;
  const uint32_t j1 = (offset >> 23 & 1) ^ sign ^ 1;
  const uint32_t j2 = (offset >> 22 & 1) ^ sign ^ 1;
  Put16(out, 0xf000 | sign << 10 | (offset >> 12 & 0x3ff));
  Put16(out, 0xd000 | j1 << 13 | j2 << 11 | (offset >> 1 & 0x7ff));
}

uint32_t CodeSize(const Function& function) {
  uint32_t size = 0;
  for (const Item& item : function.items) size += item.kind == Kind::kCall ? 4 : 2;
  return (size + 3) & ~3u;
}

libdelta::Bytes Link(const Program& program) {
  std::vector<uint32_t> function_address(program.functions.size());
  std::vector<uint32_t> string_address(program.strings.size());
  std::vector<uint32_t> variable_address(program.variable_sizes.size());

  uint32_t address = kFlashBase + static_cast<uint32_t>(program.table.size()) * 4;
  for (uint32_t index : program.function_order) {
    function_address[index] = address;
    address += CodeSize(program.functions[index]);
    address += static_cast<uint32_t>(program.functions[index].pointers.size()) * 4;
  }
  for (size_t i = 0; i < program.strings.size(); i++) {
    string_address[i] = address;
    address += static_cast<uint32_t>((program.strings[i].size() + 3) & ~size_t{3});
  }
  uint32_t ram = kRamBase;
  for (uint32_t index : program.variable_order) {
    variable_address[index] = ram;
    ram += program.variable_sizes[index];
  }

  const auto resolve = [&](const Pointer& pointer) {
    switch (pointer.target) {
      case Target::kFunction:
        return function_address[pointer.index] | 1;
      case Target::kString:
        return string_address[pointer.index];
      case Target::kVariable:
        return variable_address[pointer.index];
      default:
        return pointer.index;
    }
  };

  libdelta::Bytes out;
  for (const Pointer& pointer : program.table) Put32(out, resolve(pointer));
  for (uint32_t index : program.function_order) {
    const Function& function = program.functions[index];
    const uint32_t pool = function_address[index] + CodeSize(function);
    for (const Item& item : function.items) {
      const uint32_t here = kFlashBase + static_cast<uint32_t>(out.size());
      switch (item.kind) {
        case Kind::kInstruction:
          Put16(out, item.value);
          break;
        case Kind::kCall:
          PutCall(out, here, function_address[item.value]);
          break;
        case Kind::kLoadPointer: {
          const uint32_t words = (pool + item.value * 4 - ((here + 4) & ~3u)) / 4;
          Put16(out, 0x4800 | (words & 0xff));  // ldr r0, [pc, #imm]
          break;
        }
      }
    }
    if (out.size() % 4 != 0) Put16(out, 0xbf00);  // nop
    for (const Pointer& pointer : function.pointers) Put32(out, resolve(pointer));
  }
  for (const libdelta::Bytes& text : program.strings) {
    out.insert(out.end(), text.begin(), text.end());
    while (out.size() % 4 != 0) out.push_back(0);
  }
  return out;
}

Program RandomProgram(Random& random, uint32_t size) {
  Program program;
  const uint32_t count = 1 + size / kBytesPerFunction;
  for (uint32_t i = 0; i < count; i++) program.strings.push_back(RandomString(random));
  for (uint32_t i = 0; i < count; i++) {
    program.variable_sizes.push_back(4 + 4 * random.SkewedBelow(16));
    program.variable_order.push_back(i);
  }
  // Functions refer to each other by index, so their number is fixed before any has code.
  program.functions.resize(count);
  for (uint32_t i = 0; i < count; i++) {
    program.functions[i] = RandomFunction(random, program);
    program.function_order.push_back(i);
  }
  for (uint32_t i = 0; i < 48; i++) program.table.push_back({Target::kFunction, random.Below(count)});
  return program;
}

void EditFunction(Random& random, const Program& program, Function& function) {
  const uint32_t edits = 1 + random.SkewedBelow(5);
  for (uint32_t i = 0; i < edits; i++) {
    const uint32_t at = random.Below(static_cast<uint32_t>(function.items.size()));
    const auto where = function.items.begin() + static_cast<ptrdiff_t>(at);
    switch (random.Below(3)) {
      case 0:
        *where = {Kind::kInstruction, RandomInstruction(random)};
        break;
      case 1: {
        const Item item = RandomItem(random, program, function);
        function.items.insert(where, item);
        break;
      }
      default:
        if (function.items.size() > 4) function.items.erase(where);
        break;
    }
  }
}

template <typename T>
void InsertAtRandom(Random& random, std::vector<T>& list, T value) {
  const uint32_t at = random.Below(static_cast<uint32_t>(list.size()) + 1);
  list.insert(list.begin() + static_cast<ptrdiff_t>(at), std::move(value));
}

void EditProgram(Random& random, const ThumbProgram& options, Program& program) {
  for (Function& function : program.functions) {
    if (random.PerMille(options.edited_per_mille)) EditFunction(random, program, function);
    if (random.PerMille(options.replaced_per_mille)) function = RandomFunction(random, program);
  }
  const size_t present = program.functions.size();
  for (size_t i = 0; i < present; i++) {
    if (!random.PerMille(options.added_per_mille)) continue;
    InsertAtRandom(random, program.function_order, static_cast<uint32_t>(program.functions.size()));
    Function added = RandomFunction(random, program);
    program.functions.push_back(std::move(added));
  }
  for (uint32_t i = 0; i < options.variables_added; i++) {
    InsertAtRandom(random, program.variable_order, static_cast<uint32_t>(program.variable_sizes.size()));
    program.variable_sizes.push_back(4 + 4 * random.SkewedBelow(16));
  }
}

}  // namespace

ImagePair MakeThumbImages(const ThumbProgram& options) {
  Random random(options.seed);
  Program program = RandomProgram(random, options.size);
  ImagePair pair;
  pair.old_image = Link(program);
  EditProgram(random, options, program);
  pair.new_image = Link(program);
  return pair;
}

libdelta::Bytes MakeNoise(uint64_t seed, uint32_t size) {
  Random random(seed);
  libdelta::Bytes noise(size);
  for (uint8_t& byte : noise) byte = static_cast<uint8_t>(random.Next() >> 56);
  return noise;
}

}  // namespace bench

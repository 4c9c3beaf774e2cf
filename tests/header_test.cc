// The header: what the host writes, the parser reads; what FORMAT.md forbids, the parser refuses.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>

#include "libdelta/device.h"
#include "libdelta/host.h"
#include "libdelta/host/container.h"
#include "libdelta/host/sha256.h"
#include "libdelta/wire/format.h"
#include "libdelta/wire/header.h"
#include "tests/support/patches.h"

namespace libdelta::testing {
namespace {

// Parses a copy on the heap, so that the sanitizers see any read beyond `bytes`.
libdelta_status Parse(ByteView bytes, libdelta_header* header) {
  const std::unique_ptr<uint8_t[]> copy(new uint8_t[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), copy.get());
  return libdelta_parse_header(copy.get(), bytes.size(), header);
}

libdelta_status Parse(ByteView bytes) {
  libdelta_header header;
  return Parse(bytes, &header);
}

std::string Text(const uint8_t* bytes, size_t size) { return std::string(bytes, bytes + size); }

void AppendNumber(Bytes* out, uint64_t value, int size) {
  for (; size != 0; --size, value >>= 8) out->push_back(static_cast<uint8_t>(value));
}

// A header written field by field, independently of Pack(), so that every field can be wrong.
struct RawHeader {
  Bytes start = {0x46, 0x57, 0x44, 0xf1};
  uint8_t codec = 0;
  std::string hardware = "board";
  std::string component = "app";
  uint32_t counter = 3;
  uint64_t old_length = 1000;
  uint64_t new_length = 1200;
  uint64_t payload_length = 700;
  uint16_t chunk_size = 256;
  uint16_t ram_units = 128;
  Bytes extensions;
  int signed_length_error = 0;
  uint8_t signature_count = 0;
  Bytes signatures;

  Bytes Encode() const {
    Bytes out = start;
    out.resize(out.size() + 2);
    AppendNumber(&out, chunk_size, 2);
    AppendNumber(&out, old_length, 4);
    AppendNumber(&out, new_length, 4);
    AppendNumber(&out, payload_length, 4);
    AppendNumber(&out, ram_units, 2);
    AppendNumber(&out, codec, 1);
    AppendNumber(&out, old_length >> 32, 1);
    AppendNumber(&out, new_length >> 32, 1);
    AppendNumber(&out, payload_length >> 32, 1);
    AppendNumber(&out, hardware.size(), 1);
    AppendNumber(&out, component.size(), 1);
    out.insert(out.end(), 32, 0x22);  // New digest.
    out.insert(out.end(), 16, 0x33);  // First link.
    out.insert(out.end(), 16, 0x11);  // Old digest.
    AppendNumber(&out, counter, 4);
    for (const std::string& id : {hardware, component}) out.insert(out.end(), id.begin(), id.end());
    out.insert(out.end(), extensions.begin(), extensions.end());
    const size_t signed_length = out.size() + static_cast<size_t>(signed_length_error);
    out[start.size()] = static_cast<uint8_t>(signed_length);
    out[start.size() + 1] = static_cast<uint8_t>(signed_length >> 8);
    out.push_back(signature_count);
    out.insert(out.end(), signatures.begin(), signatures.end());
    return out;
  }
};

Bytes SignatureEntries(size_t count) {
  Bytes out(count * kSignatureEntrySize, 0x44);
  for (size_t i = 0; i < count; ++i) out[i * kSignatureEntrySize + kKeyIdSize - 1] = static_cast<uint8_t>(i);
  return out;
}

TEST(Header, RawHeaderOfTheseTestsIsValid) {
  libdelta_header header;
  const Bytes bytes = RawHeader().Encode();
  ASSERT_EQ(Parse(bytes, &header), LIBDELTA_OK);
  EXPECT_EQ(header.header_length, bytes.size());
}

TEST(Header, ReadsBackWhatPackWrites) {
  const Bytes old_image = RandomBytes(3000, 1);
  const Bytes new_image = RandomBytes(3500, 2);
  HeaderFields fields;
  fields.hardware = "nrf52840-board";
  fields.component = "radio";
  fields.counter = 0xfedcba98u;
  fields.old_image = old_image;
  fields.new_image = new_image;
  fields.chunk_size = 512;
  fields.ram = 16384;
  fields.extensions = {{4, {1, 2, 3}}, {1001, {}}};
  const Bytes data = RandomBytes(2000, 3);
  const Result<Bytes> packed = Pack(data, fields);
  ASSERT_TRUE(packed.ok());
  const Bytes& patch = packed.value();

  libdelta_header header;
  ASSERT_EQ(libdelta_parse_header(patch.data(), patch.size(), &header), LIBDELTA_OK);
  EXPECT_EQ(header.version, 1);
  EXPECT_EQ(header.codec, kCodecDelta);
  EXPECT_EQ(header.signature_count, 0);
  EXPECT_EQ(Text(header.hardware, header.hardware_length), "nrf52840-board");
  EXPECT_EQ(Text(header.component, header.component_length), "radio");
  EXPECT_EQ(header.counter, 0xfedcba98u);
  EXPECT_EQ(header.old_length, 3000u);
  EXPECT_EQ(header.new_length, 3500u);
  EXPECT_EQ(header.ram, 16384u);
  EXPECT_EQ(header.chunk_size, 512u);
  const Digest old_digest = Sha256(old_image);
  const Digest new_digest = Sha256(new_image);
  EXPECT_TRUE(std::equal(old_digest.begin(), old_digest.begin() + 16, header.old_digest));
  EXPECT_TRUE(std::equal(new_digest.begin(), new_digest.end(), header.new_digest));
  const Bytes extensions = {4, 0, 3, 0, 1, 2, 3, 0xe9, 0x03, 0, 0};
  EXPECT_EQ(Bytes(header.extensions, header.extensions + header.extensions_length), extensions);
  EXPECT_EQ(header.signed_length + 1, header.header_length);
  EXPECT_EQ(header.payload_length, DataSizeToPayloadSize(2000, 512));
  EXPECT_EQ(header.header_length + header.payload_length, patch.size());
}

TEST(Header, SmallSignedHeaderTakes169Bytes) {
  const Bytes image = RandomBytes(70000, 1);
  HeaderFields fields;
  fields.old_image = image;
  fields.new_image = image;
  const Result<Bytes> packed = Pack(RandomBytes(100, 2), fields);
  ASSERT_TRUE(packed.ok());
  EXPECT_EQ(HeaderOf(Signer(1).Sign(packed.value())).header_length, 96 + 1 + 72);
}

TEST(Header, EveryProperPrefixNeedsInput) {
  const Bytes& patch = ManyChunks().patch;
  const libdelta_header whole = HeaderOf(patch);
  ASSERT_EQ(whole.signature_count, 2);
  for (size_t length = 0; length < whole.header_length; ++length) {
    libdelta_header header;
    ASSERT_EQ(Parse(ByteView(patch).first(length), &header), LIBDELTA_NEED_INPUT) << length;
    ASSERT_GT(header.header_length, length);
    ASSERT_LE(header.header_length, whole.header_length);
  }
  EXPECT_EQ(Parse(ByteView(patch).first(whole.header_length)), LIBDELTA_OK);
  EXPECT_EQ(Parse(patch), LIBDELTA_OK) << "what follows the header does not matter";
}

TEST(Header, EveryFieldHasItsPlace) {
  const Bytes old_image = RandomBytes(0x1234, 1);
  const Bytes new_image = RandomBytes(0x2345, 2);
  HeaderFields fields;
  fields.hardware = "abc";
  fields.component = "de";
  fields.counter = 0x76543210;
  fields.old_image = old_image;
  fields.new_image = new_image;
  fields.chunk_size = 0x456;
  fields.ram = 0x789 * 32;
  const Bytes data = RandomBytes(0x321, 3);
  const Bytes patch = Pack(data, fields).value();
  const Digest old_digest = Sha256(old_image);
  const Digest new_digest = Sha256(new_image);
  const Digest link = Sha256(data);

  Bytes expected = {'F', 'W', 'D', 0xf1, 96 + 5, 0, 0x56, 4};
  for (const uint32_t length : {0x1234, 0x2345, 0x321}) AppendNumber(&expected, length, 4);
  AppendNumber(&expected, 0x789, 2);
  expected.insert(expected.end(), {0, 0, 0, 0, 3, 2});
  expected.insert(expected.end(), new_digest.begin(), new_digest.end());
  expected.insert(expected.end(), link.begin(), link.begin() + 16);
  expected.insert(expected.end(), old_digest.begin(), old_digest.begin() + 16);
  AppendNumber(&expected, fields.counter, 4);
  ASSERT_EQ(expected.size(), 96u);
  expected.insert(expected.end(), {'a', 'b', 'c', 'd', 'e', 0});
  EXPECT_EQ(Bytes(patch.begin(), patch.begin() + 102), expected);
}

TEST(Header, LengthsHave40Bits) {
  RawHeader raw;
  raw.old_length = 0x12'3456'789a;
  raw.new_length = 0x9a'bcde'f012;
  raw.payload_length = 0xfe'dcba'9876;
  libdelta_header header;
  ASSERT_EQ(Parse(raw.Encode(), &header), LIBDELTA_OK);
  EXPECT_EQ(header.old_length, raw.old_length);
  EXPECT_EQ(header.new_length, raw.new_length);
  EXPECT_EQ(header.payload_length, raw.payload_length);
  // None looks like 0 if only its high byte is not.
  raw.old_length = raw.new_length = raw.payload_length = uint64_t{1} << 32;
  ASSERT_EQ(Parse(raw.Encode(), &header), LIBDELTA_OK);
  EXPECT_NE(header.old_digest, nullptr);
  EXPECT_NE(header.first_link, nullptr);
}

TEST(Header, RamIsCountedInUnitsOf32Bytes) {
  RawHeader raw;
  libdelta_header header;
  for (const uint32_t units : {64u, 65u, 2047u, 2048u, 32767u, 32768u}) {
    raw.ram_units = static_cast<uint16_t>(units);
    ASSERT_EQ(Parse(raw.Encode(), &header), LIBDELTA_OK);
    EXPECT_EQ(header.ram, units * 32);
  }
}

TEST(Header, RefusesOtherFilesAndVersionsFromTheFirstWrongByte) {
  const Bytes bytes = RawHeader().Encode();
  for (size_t i = 0; i < 4; ++i) {
    for (int other = 1; other < 256; ++other) {
      Bytes wrong = bytes;
      wrong[i] = static_cast<uint8_t>(wrong[i] ^ other);
      ASSERT_EQ(Parse(wrong), LIBDELTA_E_VERSION);
      ASSERT_EQ(Parse(ByteView(wrong).first(i + 1)), LIBDELTA_E_VERSION);
    }
  }
}

struct BadHeader {
  const char* name;
  std::function<void(RawHeader*)> spoil;
};

const BadHeader kBadHeaders[] = {
    {"signed length before the end of the ids", [](RawHeader* h) { h->signed_length_error = -1; }},
    {"signed length into the count",
     [](RawHeader* h) {
       h->signed_length_error = 1, h->signatures = {0, 0};
     }},
    {"hardware of 33 bytes", [](RawHeader* h) { h->hardware = std::string(33, 'a'); }},
    {"component of 33 bytes", [](RawHeader* h) { h->component = std::string(33, 'a'); }},
    {"space in hardware", [](RawHeader* h) { h->hardware = "a b"; }},
    {"NUL in component", [](RawHeader* h) { h->component = std::string("a\0b", 3); }},
    {"DEL in component", [](RawHeader* h) { h->component = "a\x7f"; }},
    {"not ASCII", [](RawHeader* h) { h->hardware = "\xc3\xa4"; }},
    {"payload without a new image", [](RawHeader* h) { h->new_length = 0; }},
    {"new image without payload", [](RawHeader* h) { h->payload_length = 0; }},
    {"new image of 2^32 bytes without payload",
     [](RawHeader* h) { h->payload_length = 0, h->new_length = uint64_t{1} << 32; }},
    {"chunk size 255", [](RawHeader* h) { h->chunk_size = 255; }},
    {"chunk size 4097", [](RawHeader* h) { h->chunk_size = 4097, h->ram_units = 2048; }},
    {"chunk size 0", [](RawHeader* h) { h->chunk_size = 0; }},
    {"chunk size 65535", [](RawHeader* h) { h->chunk_size = 65535, h->ram_units = 32768; }},
    {"RAM 0", [](RawHeader* h) { h->ram_units = 0; }},
    {"RAM 2048 - 32", [](RawHeader* h) { h->ram_units = 63; }},
    {"RAM above 1 MiB", [](RawHeader* h) { h->ram_units = 32769; }},
    {"RAM of 65535 units", [](RawHeader* h) { h->ram_units = 65535; }},
    {"RAM below fixed part and chunk",
     [](RawHeader* h) { h->chunk_size = 145 * 32 - 567, h->ram_units = 145; }},
    {"zstd with a base", [](RawHeader* h) { h->codec = kCodecZstd; }},
    {"zstd with a base of 2^32 bytes",
     [](RawHeader* h) { h->codec = kCodecZstd, h->old_length = uint64_t{1} << 32; }},
    {"extension of 1 byte", [](RawHeader* h) { h->extensions = {2}; }},
    {"extension without length",
     [](RawHeader* h) {
       h->extensions = {2, 0, 0};
     }},
    {"extension beyond the end", [](RawHeader* h) { h->extensions = {2, 0, 3, 0, 0, 0}; }},
    {"extension of 65535 bytes",
     [](RawHeader* h) {
       h->extensions = {2, 0, 0xff, 0xff, 0};
     }},
    {"ignorable extension, then half of one", [](RawHeader* h) { h->extensions = {2, 0, 0, 0, 4, 0}; }},
    {"critical extension, then half of one", [](RawHeader* h) { h->extensions = {3, 0, 0, 0, 4, 0}; }},
    {"same extension twice", [](RawHeader* h) { h->extensions = {2, 0, 0, 0, 2, 0, 0, 0}; }},
    {"extension type 0",
     [](RawHeader* h) {
       h->extensions = {0, 0, 0, 0};
     }},
    {"extension type 0 and another", [](RawHeader* h) { h->extensions = {0, 0, 0, 0, 2, 0, 0, 0}; }},
    {"extension type 1 twice", [](RawHeader* h) { h->extensions = {1, 0, 0, 0, 1, 0, 0, 0}; }},
    {"extensions out of order", [](RawHeader* h) { h->extensions = {4, 0, 1, 0, 9, 2, 0, 0, 0}; }},
    {"extension type 65535 and another",
     [](RawHeader* h) { h->extensions = {0xff, 0xff, 0, 0, 2, 0, 0, 0}; }},
    {"9 signatures", [](RawHeader* h) { h->signature_count = 9, h->signatures = SignatureEntries(9); }},
    {"255 signatures", [](RawHeader* h) { h->signature_count = 255, h->signatures = SignatureEntries(14); }},
    {"repeated key id",
     [](RawHeader* h) {
       h->signature_count = 3, h->signatures = SignatureEntries(3);
       std::copy_n(h->signatures.begin(), kKeyIdSize, h->signatures.begin() + 2 * kSignatureEntrySize);
     }},
    {"key ids out of order",
     [](RawHeader* h) {
       h->signature_count = 2, h->signatures = SignatureEntries(2);
       std::rotate(h->signatures.begin(), h->signatures.begin() + kSignatureEntrySize, h->signatures.end());
     }},
    {"header above 1024 bytes",
     [](RawHeader* h) {
       h->extensions = Bytes(500, 0), h->extensions[0] = 2, h->extensions[2] = 0xf0, h->extensions[3] = 1;
       h->signature_count = 8, h->signatures = SignatureEntries(8);
     }},
};

TEST(Header, RefusesEveryViolationOfTheFormat) {
  int refused = 0;
  for (const BadHeader& bad : kBadHeaders) {
    RawHeader header;
    bad.spoil(&header);
    Bytes bytes = header.Encode();
    bytes.insert(bytes.end(), 100, 0);  // Not truncated, in any case.
    EXPECT_EQ(Parse(bytes), LIBDELTA_E_MALFORMED) << bad.name;
    ++refused;
  }
  EXPECT_EQ(refused, static_cast<int>(std::size(kBadHeaders)));
  EXPECT_EQ(refused, 39);
}

TEST(Header, RefusesSignedLengthsOutsideTheHeader) {
  const Bytes bytes = RawHeader().Encode();
  int refused = 0;
  for (uint32_t length = 0; length < 65536; ++length) {
    if (length >= bytes.size() - 1 && length < kMaxHeader) continue;
    Bytes wrong = bytes;
    wrong[4] = static_cast<uint8_t>(length);
    wrong[5] = static_cast<uint8_t>(length >> 8);
    ASSERT_EQ(Parse(wrong), LIBDELTA_E_MALFORMED) << length;
    ++refused;
  }
  EXPECT_EQ(refused, 65536 - 1024 + static_cast<int>(bytes.size()) - 1);
}

TEST(Header, AcceptsTheLimitsThemselves) {
  RawHeader header;
  header.hardware = std::string(32, '!');
  header.component = std::string(32, '~');
  header.counter = ~uint32_t{0};
  header.old_length = header.new_length = header.payload_length = (uint64_t{1} << 40) - 1;
  header.chunk_size = 145 * 32 - 568;
  header.ram_units = 145;
  header.signature_count = 8;
  header.signatures = SignatureEntries(8);
  // Fill the header to its 1024 bytes.
  const size_t value_size = 1024 - header.Encode().size() - 4;
  header.extensions = {0xfe, 0xff, static_cast<uint8_t>(value_size), static_cast<uint8_t>(value_size >> 8)};
  header.extensions.resize(4 + value_size);
  ASSERT_GE(value_size, 128u);
  const Bytes bytes = header.Encode();
  ASSERT_EQ(bytes.size(), 1024u);
  libdelta_header parsed;
  ASSERT_EQ(Parse(bytes, &parsed), LIBDELTA_OK);
  EXPECT_EQ(parsed.payload_length, (uint64_t{1} << 40) - 1);
  EXPECT_EQ(parsed.signature_count, 8);
}

TEST(Header, UnknownCodecAndCriticalExtensionAreForTheApplierToRefuse) {
  RawHeader header;
  header.codec = 200;
  const auto form = [&header](const Bytes& extensions) {
    header.extensions = extensions;
    const Bytes bytes = header.Encode();
    EXPECT_EQ(Parse(bytes), LIBDELTA_OK);
    FixedHeader fixed;
    std::copy_n(bytes.begin(), kFixedHeaderSize, reinterpret_cast<uint8_t*>(&fixed));
    uint32_t needed = 0;
    const libdelta_status status = CheckForm(fixed.kept, bytes.data(), bytes.size(), &needed);
    EXPECT_EQ(needed, bytes.size());
    return status;
  };
  EXPECT_EQ(form({3, 0, 0, 0}), LIBDELTA_E_UNSUPPORTED);
  EXPECT_EQ(form({0xff, 0xff, 0, 0}), LIBDELTA_E_UNSUPPORTED);
  EXPECT_EQ(form({2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0}), LIBDELTA_E_UNSUPPORTED) << "wherever it is";
  EXPECT_EQ(form({1, 0, 0, 0, 2, 0, 0, 0}), LIBDELTA_OK) << "for updates in place";
  EXPECT_EQ(form({2, 0, 0, 0, 0x20, 0, 1, 0, 7}), LIBDELTA_OK);
}

// Flips of bits in a valid header and random bytes: never a crash, and whatever is accepted is
// consistent in itself.
TEST(Header, ArbitraryBytesAreParsedInBounds) {
  std::mt19937_64 random(9);
  const Bytes& patch = ManyChunks().patch;
  int accepted = 0;
  int refused = 0;
  for (int round = 0; round < 30000; ++round) {
    Bytes bytes(patch.begin(), patch.begin() + static_cast<ptrdiff_t>(random() % 700));
    for (uint64_t flips = random() % 4; flips != 0 && !bytes.empty(); --flips) {
      bytes[random() % bytes.size()] ^= static_cast<uint8_t>(1 << (random() % 8));
    }
    libdelta_header header;
    const libdelta_status status = Parse(bytes, &header);
    if (status == LIBDELTA_OK) {
      ++accepted;
      ASSERT_LE(header.header_length, bytes.size());
      ASSERT_EQ(header.header_length,
                header.signed_length + 1 + header.signature_count * kSignatureEntrySize);
      ASSERT_LE(header.extensions_length, header.signed_length);
    } else if (status == LIBDELTA_NEED_INPUT) {
      ASSERT_GT(header.header_length, bytes.size());
      ASSERT_LE(header.header_length, LIBDELTA_MAX_HEADER);
    } else {
      ++refused;
      ASSERT_TRUE(status == LIBDELTA_E_MALFORMED || status == LIBDELTA_E_VERSION);
    }
  }
  EXPECT_GT(accepted, 1000);
  EXPECT_GT(refused, 1000);
}

TEST(Pack, ChunksAndLinksAreThoseOfTheFormat) {
  int chunks_checked = 0;
  for (size_t size : {1u, 255u, 256u, 257u, 272u, 496u, 497u, 2000u, 4096u, 5000u}) {
    const Bytes data = RandomBytes(size, size);
    HeaderFields fields;
    fields.new_image = data;
    const Result<Bytes> packed = Pack(data, fields);
    ASSERT_TRUE(packed.ok());
    const libdelta_header header = HeaderOf(packed.value());
    ByteView payload = ByteView(packed.value()).subspan(header.header_length);
    ASSERT_EQ(payload.size(), header.payload_length);

    ASSERT_NE(header.first_link, nullptr);
    Bytes link(header.first_link, header.first_link + kLinkSize);
    Bytes restored;
    while (!payload.empty()) {
      const bool is_last = payload.size() <= fields.chunk_size;
      const ByteView chunk = payload.first(is_last ? payload.size() : fields.chunk_size);
      const Digest digest = Sha256(chunk);
      ASSERT_TRUE(std::equal(link.begin(), link.end(), digest.begin())) << size;
      if (!is_last) link.assign(chunk.begin(), chunk.begin() + kLinkSize);
      restored.insert(restored.end(), chunk.begin() + (is_last ? 0 : kLinkSize), chunk.end());
      payload = payload.subspan(chunk.size());
      ++chunks_checked;
    }
    EXPECT_EQ(restored, data);
  }
  EXPECT_EQ(chunks_checked, 1 + 1 + 1 + 2 + 2 + 2 + 3 + 9 + 17 + 21);
}

TEST(Pack, PayloadSizeIsPredictedForEverySize) {
  for (uint32_t chunk_size : {256u, 300u, 4096u}) {
    uint64_t expected_links = 0;
    uint64_t capacity = chunk_size;  // Data that fits in the chunks so far.
    for (uint64_t size = 1; size < 20000; ++size) {
      if (size > capacity) {
        capacity += chunk_size - kLinkSize;
        expected_links += kLinkSize;
      }
      ASSERT_EQ(DataSizeToPayloadSize(size, chunk_size), size + expected_links) << size;
    }
    EXPECT_GT(expected_links, 0u);
  }
  EXPECT_EQ(DataSizeToPayloadSize(0, 256), 0u);
}

TEST(Pack, RefusesFieldsOutOfRange) {
  const Bytes image = RandomBytes(100, 1);
  HeaderFields good;
  good.new_image = image;
  ASSERT_TRUE(Pack(image, good).ok());
  const std::function<void(HeaderFields*)> spoilers[] = {
      [](HeaderFields* f) { f->hardware = std::string(33, 'x'); },
      [](HeaderFields* f) { f->component = "a b"; },
      [](HeaderFields* f) { f->chunk_size = 255; },
      [](HeaderFields* f) { f->chunk_size = 4097; },
      [](HeaderFields* f) { f->ram = 2048 - 32; },
      [](HeaderFields* f) { f->ram = 1048576 + 32; },
      [](HeaderFields* f) { f->ram = 4096 + 31; },
      [](HeaderFields* f) { f->chunk_size = 4096, f->ram = 4640; },
      [](HeaderFields* f) { f->new_image = {}; },
      [](HeaderFields* f) { f->codec = kCodecZstd, f->old_image = f->new_image; },
      [](HeaderFields* f) {
        f->extensions = {{4, {}}, {2, {}}};
      },
      [](HeaderFields* f) {
        f->extensions = {{4, {}}, {4, {}}};
      },
      [](HeaderFields* f) {
        f->extensions = {{65536, {}}};
      },
      [](HeaderFields* f) {
        f->extensions = {{2, Bytes(1000)}};
      },
  };
  for (size_t i = 0; i < std::size(spoilers); ++i) {
    HeaderFields fields = good;
    spoilers[i](&fields);
    const Result<Bytes> packed = Pack(image, fields);
    ASSERT_FALSE(packed.ok()) << i;
    EXPECT_FALSE(packed.error().empty());
  }
  EXPECT_FALSE(Pack(Bytes{}, good).ok()) << "an image needs a payload";
  // Nobody looks at the bytes of what is too long.
  const ByteView too_long(image.data(), size_t{1} << 40);
  for (ByteView HeaderFields::*view : {&HeaderFields::old_image, &HeaderFields::new_image}) {
    HeaderFields fields = good;
    fields.*view = too_long;
    EXPECT_NE(Pack(image, fields).error().find("2^40"), std::string::npos);
  }
  // Shorter, but not with its links.
  EXPECT_NE(Pack(too_long.first(too_long.size() - 1), good).error().find("2^40"), std::string::npos);
}

TEST(Signatures, MessageIsDomainAndDigestOfTheSignedPart) {
  const Bytes& patch = ManyChunks().patch;
  const libdelta_header header = HeaderOf(patch);
  const Result<Bytes> message = SignatureMessage(patch);
  ASSERT_TRUE(message.ok());
  ASSERT_EQ(message.value().size(), 56u);
  EXPECT_EQ(Text(message.value().data(), 24), "libdelta patch header v1");
  const Digest digest = Sha256(ByteView(patch).first(header.signed_length));
  EXPECT_TRUE(std::equal(digest.begin(), digest.end(), message.value().begin() + 24));
}

TEST(Signatures, AreAddedInOrderWithoutTouchingAnythingElse) {
  HeaderFields fields;
  const Bytes image = RandomBytes(700, 1);
  fields.new_image = image;
  const Bytes unsigned_patch = Pack(image, fields).value();
  const size_t signed_length = HeaderOf(unsigned_patch).signed_length;
  const Bytes message = SignatureMessage(unsigned_patch).value();
  Bytes patch = unsigned_patch;
  std::set<Bytes> entries;
  for (uint8_t i = 1; i <= kMaxSignatures; ++i) {
    const Bytes alone = Signer(i).Sign(unsigned_patch);
    const auto entry = alone.begin() + static_cast<ptrdiff_t>(signed_length) + 1;
    entries.insert(Bytes(entry, entry + kSignatureEntrySize));
    const Bytes id = KeyId(LIBDELTA_ED25519, Signer(i).public_key());
    ASSERT_EQ(id.size(), kKeyIdSize);
    ASSERT_TRUE(std::equal(id.begin(), id.end(), entry));

    patch = Signer(i).Sign(patch);
    ASSERT_EQ(SignatureMessage(patch).value(), message);
    // Everything but the signature block is as it was, and the block has all entries in order.
    Bytes expected(unsigned_patch.begin(), unsigned_patch.begin() + static_cast<ptrdiff_t>(signed_length));
    expected.push_back(i);
    for (const Bytes& each : entries) expected.insert(expected.end(), each.begin(), each.end());
    expected.insert(expected.end(), unsigned_patch.begin() + static_cast<ptrdiff_t>(signed_length) + 1,
                    unsigned_patch.end());
    ASSERT_EQ(patch, expected);
  }
  EXPECT_EQ(entries.size(), kMaxSignatures);
  EXPECT_FALSE(AddSignature(patch, LIBDELTA_ED25519, Signer(9).public_key(), Bytes(64)).ok()) << "no room";
}

TEST(Signatures, AreRefusedWhenTheyCannotBeAdded) {
  const Bytes& patch = ManyChunks().patch;
  const Bytes key = Signer(3).public_key();
  EXPECT_TRUE(AddSignature(patch, LIBDELTA_ED25519, key, Bytes(64)).ok());
  EXPECT_FALSE(AddSignature(patch, LIBDELTA_ED25519, Signer(2).public_key(), Bytes(64)).ok()) << "twice";
  EXPECT_FALSE(AddSignature(patch, LIBDELTA_ED25519, key, Bytes(63)).ok());
  EXPECT_FALSE(AddSignature(patch, LIBDELTA_P256, key, Bytes(64)).ok()) << "key of the wrong length";
  EXPECT_FALSE(AddSignature(patch, 3, key, Bytes(64)).ok());
  EXPECT_FALSE(AddSignature(ByteView(patch).first(100), LIBDELTA_ED25519, key, Bytes(64)).ok());
  EXPECT_FALSE(SignatureMessage(RandomBytes(300, 1)).ok());
}

TEST(Signatures, AreRefusedWhenTheHeaderIsFull) {
  const Bytes image = RandomBytes(100, 1);
  HeaderFields fields;
  fields.new_image = image;
  fields.extensions = {{2, Bytes(890)}};
  const Bytes patch = Pack(image, fields).value();
  ASSERT_GT(HeaderOf(patch).header_length + kSignatureEntrySize, kMaxHeader);
  EXPECT_FALSE(AddSignature(patch, LIBDELTA_ED25519, Signer(1).public_key(), Bytes(64)).ok());
}

TEST(Signatures, KeyIdBindsTheAlgorithm) {
  const Bytes key(64, 7);
  EXPECT_NE(KeyId(LIBDELTA_ED25519, key), KeyId(LIBDELTA_P256, key));
}

}  // namespace
}  // namespace libdelta::testing

#include "libdelta/wire/cursor.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <vector>

namespace libdelta {
namespace {

using Bytes = std::vector<uint8_t>;

// A copy on the heap, so that the sanitizers see any read beyond its end.
struct Exact {
  explicit Exact(const Bytes& from) : size(from.size()), bytes(new uint8_t[from.size()]) {
    std::copy(from.begin(), from.end(), bytes.get());
  }
  Cursor cursor() const { return Cursor(bytes.get(), size); }
  size_t size;
  std::unique_ptr<uint8_t[]> bytes;
};

TEST(LoadU16, IsLittleEndianAtAnyAddress) {
  const Bytes bytes = {0xff, 0x34, 0x12, 0x00, 0x80};
  EXPECT_EQ(LoadU16(bytes.data()), 0x34ff);
  EXPECT_EQ(LoadU16(bytes.data() + 1), 0x1234);
  EXPECT_EQ(LoadU16(bytes.data() + 2), 0x0012);
  EXPECT_EQ(LoadU16(bytes.data() + 3), 0x8000);
}

TEST(Cursor, ReadsInOrderAndInPlace) {
  const Exact input({0x01, 0x34, 0x12, 0xaa, 0xbb});
  Cursor cursor = input.cursor();
  EXPECT_EQ(cursor.left(), 5u);
  EXPECT_EQ(cursor.Span(2), input.bytes.get());
  EXPECT_EQ(cursor.left(), 3u);
  EXPECT_EQ(cursor.Span(3), input.bytes.get() + 2);
  EXPECT_EQ(cursor.left(), 0u);
}

TEST(Cursor, FailedReadsConsumeNothing) {
  const Exact input({0x05});
  Cursor cursor = input.cursor();
  EXPECT_EQ(cursor.Span(2), nullptr);
  EXPECT_EQ(cursor.Span(std::numeric_limits<size_t>::max()), nullptr);
  EXPECT_EQ(cursor.left(), 1u);
  EXPECT_EQ(cursor.Span(1), input.bytes.get());
  EXPECT_EQ(cursor.Span(1), nullptr);
}

TEST(Cursor, EmptyInputHoldsOnlyAnEmptySpan) {
  const Exact input(Bytes{});
  Cursor cursor = input.cursor();
  EXPECT_NE(cursor.Span(0), nullptr);
  EXPECT_EQ(cursor.Span(1), nullptr);
}

// Whatever sizes are asked for, what is returned lies within the input, in order and without gaps.
TEST(Cursor, ArbitrarySizesAreReadInBounds) {
  std::mt19937_64 random(2);
  int accepted = 0;
  int refused = 0;
  for (int round = 0; round < 5000; ++round) {
    const Exact input(Bytes(random() % 40));
    Cursor cursor = input.cursor();
    size_t position = 0;
    for (int i = 0; i < 8; ++i) {
      const size_t size = random() % 16 == 0 ? static_cast<size_t>(random()) : random() % 12;
      const uint8_t* span = cursor.Span(size);
      if (size <= input.size - position) {
        ASSERT_EQ(span, input.bytes.get() + position);
        position += size;
        ++accepted;
      } else {
        ASSERT_EQ(span, nullptr);
        ++refused;
      }
      ASSERT_EQ(cursor.left(), input.size - position);
    }
  }
  EXPECT_GT(accepted, 1000);
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace libdelta

// Of which units an image seems to be made.
#include "libdelta/host/places.h"

#include <gtest/gtest.h>

#include <iterator>
#include <string>

#include "tests/support/random.h"

namespace libdelta::testing {
namespace {

// `unit` bytes over and over, of which the first ones say little of what comes next and the last one is one
// of few. `phase`: bytes in front of the first unit.
Bytes Units(size_t unit, size_t count, size_t phase) {
  Random random(static_cast<uint32_t>(unit));
  Bytes image(phase, 0);
  for (size_t i = 0; i < count; ++i) {
    for (size_t k = 1; k < unit; ++k) image.push_back(static_cast<uint8_t>(random() % 24));
    image.push_back(static_cast<uint8_t>(8 * (random() % 3)));
  }
  return image;
}

TEST(Places, FollowTheUnitsOfTheImage) {
  for (size_t phase = 0; phase < 4; ++phase) {
    EXPECT_EQ(ChoosePlaces(Units(2, 20000, phase)), 0b1101u) << phase;
    EXPECT_EQ(ChoosePlaces(Units(4, 10000, phase)), 0b1111u) << phase;
    EXPECT_EQ(ChoosePlaces(Units(3, 14000, phase)), 0b0000u) << phase;
  }
}

TEST(Places, AreThoseOfBytesInText) {
  const char* const words[] = {"motor", "limit", "the", "temperature", "of", "a", "is", "current", "maximum"};
  Random random(1);
  std::string text;
  for (int i = 0; i < 8000; ++i) text += std::string(words[random() % std::size(words)]) + ' ';
  EXPECT_EQ(ChoosePlaces(Bytes(text.begin(), text.end())), 0u);
}

TEST(Places, TakeImagesOfAnySize) {
  for (const size_t size : {0, 1, 2, 4095, 4096, 4097, 64 * 4096, 64 * 4096 + 1}) {
    Random random(1);
    Bytes image(size);
    for (uint8_t& byte : image) byte = static_cast<uint8_t>(random());
    EXPECT_LT(ChoosePlaces(image), 16u) << size;
  }
}

}  // namespace
}  // namespace libdelta::testing

// Which image pairs are measured: those of a corpus, or generated ones for machines that have none.
#ifndef BENCH_SUPPORT_PAIRS_H_
#define BENCH_SUPPORT_PAIRS_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bench/support/program.h"
#include "bench/support/thumb_images.h"
#include "libdelta/device.h"

namespace bench {

// Every measured size is that of a patch with one Ed25519 signature; the encoder's output has none.
constexpr uint64_t kSignatureEntry = LIBDELTA_KEY_ID_SIZE + LIBDELTA_SIGNATURE_SIZE;

struct Peer {
  std::string name;
  uint64_t bytes = 0;
};

struct Pair {
  std::string set;
  std::string id;
  std::string device_class;
  std::string isa;
  std::string kind;
  std::filesystem::path folder;           // Of the images; empty for generated ones.
  std::optional<ThumbProgram> program;    // How to generate the images.
  Peer best;                              // Smallest of all peers; 0 bytes: not measured.
  Peer best_mcu;                          // Smallest whose decoder fits a microcontroller.
  std::map<std::string, uint64_t> peers;  // Bytes of each peer, by its column in peers.tsv.
};

// The pairs that --corpus DIR or --generated asks for, by set and id; of a corpus, only those that are
// there and whose id contains the text of --only. DIR/peers.tsv lists the pairs and what other programs
// need for them; DIR/SET/ID/{old,new}.bin are the images.
std::vector<Pair> SelectPairs(const Options& options);

ImagePair Load(const Pair& pair);

}  // namespace bench

#endif  // BENCH_SUPPORT_PAIRS_H_

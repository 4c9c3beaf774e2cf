// Which templates pay, judged by what they predict where an image was copied.
#ifndef LIBDELTA_HOST_TEMPLATE_JUDGE_H_
#define LIBDELTA_HOST_TEMPLATE_JUDGE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include "libdelta/host/parse.h"
#include "libdelta/host/plan.h"

namespace libdelta {

// Of one plan: its segments and maps tell what a template would predict. Images and plan must outlive it.
class TemplateJudge {
 public:
  TemplateJudge(ByteView old_image, ByteView new_image, const Plan& plan, unsigned threads);

  struct Choice {
    std::vector<Template> templates;
    int64_t gain;  // Bits that they save.
  };

  // Those of `candidates` that together save most, at most `limit`, in the order of the candidates.
  Choice Choose(const std::vector<Template>& candidates, size_t limit);
  // Likewise, of each list.
  std::vector<Choice> ChooseOfEach(const std::vector<std::vector<Template>>& lists, size_t limit);

 private:
  // A word that is expected to change: its position in the new image; in the lowest bit, whether it changes
  // like that.
  using Claim = uint32_t;
  struct Claims {
    Template form;
    std::vector<Claim> all;  // By position.
    uint64_t right;
  };

  // A piece of the new image, and where it was.
  struct Segment {
    uint64_t from;
    uint64_t to;
    uint64_t length;
  };

  const Claims* FindClaims(const Template& t) const;
  void CollectClaims(Claims* claims) const;
  Choice ChooseByClaims(const std::vector<Template>& candidates, size_t limit, unsigned threads);
  int64_t PriceOf(const Template& t) const;
  int64_t Cost(const std::vector<const Claims*>& set);
  int64_t Measure(const std::vector<const Claims*>& set) const;

  const ByteView old_;
  const ByteView new_;
  const Plan& plan_;
  const Relocator relocator_;
  const unsigned threads_;
  std::vector<Segment> segments_;  // By new position.
  std::vector<uint32_t> changed_;  // Positions of bytes in them that are not what they were.
  std::deque<Claims> claims_;      // Of all that were candidates so far.
  // What sets were found to cost: lists have much in common.
  std::map<std::vector<const Claims*>, int64_t> costs_;
  std::mutex costs_mutex_;
};

}  // namespace libdelta

#endif  // LIBDELTA_HOST_TEMPLATE_JUDGE_H_

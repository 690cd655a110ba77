// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

// What a token and a rollout hold, a line per field. The members of rollout, experience, prediction and token, the
// sources that a symbol remembers, mini-batches, what needs() asks, the loops of the backends, the text of kernels and
// the batches of the tests all follow from it: a new field is one more line.
//
//   PREDICTED      an array of prediction: what the models say now. A loss is differentiated by it; these stand first
//   RECORDED       an array of rollout that a loss formula sees too, a token at a time
//   RECORDED_ONLY  an array of rollout that only shapers and estimators see
//   JUDGED         an array that experience adds, and a loss formula sees
//   AVERAGED       a token's alone: no array of it is recorded
//
// A line says what the array is called, what it is called of one token and as a source, and where it counts (extent).
// A predicted one also names its type in token. Members stand in the order of the lines.
// clang-format off
#define PROXIMAL_FIELDS(PREDICTED, RECORDED, RECORDED_ONLY, JUDGED, AVERAGED)                                        \
    PREDICTED(logprobs, logprob, mask, Now)                  /* [B, T] log π(a|s) of the sampled tokens */           \
    PREDICTED(values, value, value_mask, Value)              /* [B, T] V(s) */                                       \
    PREDICTED(entropies, entropy, mask, Entropy)             /* [B, T] H[π(·|s)] */                                  \
    RECORDED(logprobs, old_logprob, mask)                    /* [B, T] log π_old(a|s), before the update */          \
    RECORDED(ref_logprobs, ref_logprob, mask)                /* [B, T] log π_ref(a|s), of the reference model */     \
    RECORDED(values, old_value, value_mask)                  /* [B, T] V_old(s), before token t is seen */           \
    RECORDED_ONLY(rewards, reward, value_mask)               /* [B, T] zeros, or per-token; shapers add to it */     \
    RECORDED_ONLY(mask, mask, everywhere)                    /* [B, T] 1 where t ≤ L[b]: the response tokens */      \
    RECORDED_ONLY(value_mask, value_mask, everywhere)        /* [B, T] 1 where t ≤ L[b] + 1: one step longer */      \
    JUDGED(advantages, advantage, mask)                      /* [B, T] Â, 0 outside mask once whitened */            \
    JUDGED(returns, return_, value_mask)                     /* [B, T] R̂, the targets of the value function */       \
    RECORDED(scores, score, row)                             /* [B] the reward model's verdict on the response */    \
    RECORDED_ONLY(has_eos, has_eos, row)                     /* [B] 1 where the response ended itself */             \
    RECORDED_ONLY(behaviour_logprobs, behaviour_logprob, mask) /* [B, T] under what really sampled them */           \
    RECORDED_ONLY(baseline_scores, baseline_score, row)      /* [B] the score of a greedy response */                \
    AVERAGED(sequence_mean, mask)                            /* over the response, of what a term averages */        \
    JUDGED(weights, weight, weight_of_mask)                  /* [B, T] shares of a mean over mask: see weigh */      \
    JUDGED(value_weights, value_weight, weight_of_value_mask) /* [B, T] shares of a mean over value_mask */
// clang-format on
#define PROXIMAL_NO_FIELD(...)  // of the lines that a use of the list leaves out

namespace proximal {

/// Where an array's numbers count, and so what a loss formula sees of them elsewhere.
enum class extent {
    mask,                  // [B, T] on response tokens; 0 elsewhere
    value_mask,            // [B, T] one step longer; 0 elsewhere
    row,                   // [B] one number a response, the same for each of its tokens; 0 outside mask
    weight_of_mask,        // [B, T] as it is; where absent, what the aggregation makes of mask
    weight_of_value_mask,  // [B, T] the same of value_mask
    everywhere             // [B, T] the masks themselves
};

/// Whether numbers count over value_mask; else over mask.
constexpr bool over_values(extent counts) {
    return counts == extent::value_mask || counts == extent::weight_of_value_mask;
}
/// Whether they are shares of a mean, which a formula sees as they are.
constexpr bool is_weight(extent counts) {
    return counts == extent::weight_of_mask || counts == extent::weight_of_value_mask;
}

/// What holds a field's array.
enum class holder { prediction, rollout, experience, token };

/// Where a number in an algorithm can come from: a model's new prediction, a recorded array, an estimator's judgement.
enum class source : unsigned {
#define PROXIMAL_SOURCE(array, name, ...) name,
#define PROXIMAL_TOKEN_SOURCE(name, ...) name,
    PROXIMAL_FIELDS(PROXIMAL_SOURCE, PROXIMAL_SOURCE, PROXIMAL_SOURCE, PROXIMAL_SOURCE, PROXIMAL_TOKEN_SOURCE)
#undef PROXIMAL_TOKEN_SOURCE
#undef PROXIMAL_SOURCE
};

/// A field as a type, so that a loop over fields is as static as the members: `id`, the names `array` and `name` (of a
/// token), `counts` and `held_by`; `of(batch)` is the member of a rollout, an experience or a prediction, `in(token)`
/// that of a token.
template <source Id>
struct field_of;

#define PROXIMAL_FIELD(member, token_member, extent_, holder_)                   \
    template <>                                                                  \
    struct field_of<source::token_member> {                                      \
        static constexpr source id = source::token_member;                       \
        static constexpr std::size_t index = static_cast<std::size_t>(id);       \
        static constexpr std::string_view array = #member, name = #token_member; \
        static constexpr extent counts = extent::extent_;                        \
        static constexpr holder held_by = holder::holder_;                       \
        static constexpr auto& of(auto& batch) { return batch.member; }          \
        static constexpr auto& in(auto& token) { return token.token_member; }    \
    };
#define PROXIMAL_PREDICTED(array, name, counts, type) PROXIMAL_FIELD(array, name, counts, prediction)
#define PROXIMAL_RECORDED(array, name, counts) PROXIMAL_FIELD(array, name, counts, rollout)
#define PROXIMAL_JUDGED(array, name, counts) PROXIMAL_FIELD(array, name, counts, experience)
#define PROXIMAL_AVERAGED(name, counts) PROXIMAL_FIELD(name, name, counts, token)
PROXIMAL_FIELDS(PROXIMAL_PREDICTED, PROXIMAL_RECORDED, PROXIMAL_RECORDED, PROXIMAL_JUDGED, PROXIMAL_AVERAGED)
#undef PROXIMAL_AVERAGED
#undef PROXIMAL_JUDGED
#undef PROXIMAL_RECORDED
#undef PROXIMAL_PREDICTED
#undef PROXIMAL_FIELD

/// Some fields, in order.
template <class... Field>
struct field_list {
    static constexpr std::size_t size = sizeof...(Field);
    /// Of the fields given.
    constexpr field_list(Field...) {}

    /// Calls f(field) for each, a type of its own each time.
    static constexpr void for_each(auto const& f) { (f(Field{}), ...); }
    /// f(fields...)
    static constexpr decltype(auto) unpack(auto const& f) { return f(Field{}...); }
};

#define PROXIMAL_ARRAY_FIELD(array, name, ...) field_of<source::name>{},
#define PROXIMAL_TOKEN_FIELD(name, ...) field_of<source::name>{},
/// Every field there is.
inline constexpr field_list all_fields{PROXIMAL_FIELDS(PROXIMAL_ARRAY_FIELD, PROXIMAL_ARRAY_FIELD, PROXIMAL_ARRAY_FIELD,
                                                       PROXIMAL_ARRAY_FIELD, PROXIMAL_TOKEN_FIELD)};
/// Those of prediction.
inline constexpr field_list predicted_fields{
    PROXIMAL_FIELDS(PROXIMAL_ARRAY_FIELD, PROXIMAL_NO_FIELD, PROXIMAL_NO_FIELD, PROXIMAL_NO_FIELD, PROXIMAL_NO_FIELD)};
/// Those of rollout.
inline constexpr field_list recorded_fields{PROXIMAL_FIELDS(
    PROXIMAL_NO_FIELD, PROXIMAL_ARRAY_FIELD, PROXIMAL_ARRAY_FIELD, PROXIMAL_NO_FIELD, PROXIMAL_NO_FIELD)};
/// Those of experience: a rollout's, and what an estimator adds.
inline constexpr field_list judged_fields{PROXIMAL_FIELDS(PROXIMAL_NO_FIELD, PROXIMAL_ARRAY_FIELD, PROXIMAL_ARRAY_FIELD,
                                                          PROXIMAL_ARRAY_FIELD, PROXIMAL_NO_FIELD)};
/// Those of token.
inline constexpr field_list token_fields{PROXIMAL_FIELDS(PROXIMAL_ARRAY_FIELD, PROXIMAL_ARRAY_FIELD, PROXIMAL_NO_FIELD,
                                                         PROXIMAL_ARRAY_FIELD, PROXIMAL_TOKEN_FIELD)};
#undef PROXIMAL_TOKEN_FIELD
#undef PROXIMAL_ARRAY_FIELD

/// By how many quantities a loss is differentiated: the i-th predicted field is the i-th of them, and field number i.
inline constexpr int predictions = predicted_fields.size;
static_assert(predicted_fields.unpack([](auto... field) { return ((field.index < predictions) && ...); }));

/// The fields of a rollout, an experience, a prediction or a token; specialised beside each.
template <class Batch>
inline constexpr auto fields_of = nullptr;

}  // namespace proximal

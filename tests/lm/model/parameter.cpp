// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <map>
#include <proximal/lm/train/adamw.hpp>
#include <string>

#include "../../support/tiny_model.hpp"

using namespace proximal::lm;

TEST_CASE("parameter: each of a GPT-NeoX has its kind, which says how it begins and whether it decays") {
    auto const model = make_causal_lm(support::tiny_config(), 1, at::kDouble);
    auto all = model.parameters();
    all.push_back(make_sequence_classifier(*model.body, model.config, 1).parameters().back());
    std::map<parameter_kind, int> count;
    for (auto const& [name, kind, tensor] : all) {
        CAPTURE(name);
        ++count[kind];
        bool const bias = name.ends_with(".bias"), norm = name.find("norm") != name.npos;
        CHECK((kind == parameter_kind::bias) == bias);
        CHECK((kind == parameter_kind::norm) == (norm && !bias));
        CHECK((kind == parameter_kind::embedding) == (name == "gpt_neox.embed_in.weight"));
        CHECK(adamw::decays(kind) == !(bias || norm));  // what transformers' Trainer decides by name
        if (bias) CHECK(tensor.eq(0.0).all().item<bool>());
        else if (norm) CHECK(tensor.eq(1.0).all().item<bool>());
        else CHECK(tensor.std().item<double>() == Approx(0.4).epsilon(0.5));
    }
    CHECK(count[parameter_kind::matrix] == 2 * 4 + 2);
    CHECK(count[parameter_kind::norm] == 2 * 2 + 1);
    CHECK(count[parameter_kind::bias] == 2 * (4 + 2) + 1);
    auto const copy = clone(model).parameters();
    for (std::size_t i = 0; i < copy.size(); ++i) CHECK(copy[i].kind == all[i].kind);
}

// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/model/load_model.hpp>
#include <proximal/lm/model/save_model.hpp>

#include "../../support/temporary_folder.hpp"
#include "../../support/tiny_model.hpp"

using namespace proximal;
using namespace proximal::libtorch;
using namespace proximal::lm;
using namespace proximal::io;
using Catch::Contains;

namespace {
bool equal(auto const& a, auto const& b) {
    auto const left = a.parameters(), right = b.parameters();
    return std::ranges::equal(
        left, right, [](auto const& x, auto const& y) { return x.name == y.name && x.tensor.equal(y.tensor); });
}
std::size_t files(std::filesystem::path const& folder) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}
}  // namespace

TEST_CASE("save_model: what is loaded again is the same bit for bit, in one file or in shards") {
    support::temporary_folder const folder;
    auto const dtype = GENERATE(at::kFloat, at::kDouble, at::kBFloat16);
    auto const model = make_causal_lm(support::tiny_config(), 2, dtype);
    save_model(model, folder.path, /*shard_bytes=*/1000);
    CHECK(std::filesystem::exists(folder.path / "model.safetensors.index.json"));
    CHECK(files(folder.path) > 8);
    CHECK(equal(load_causal_lm(folder.path, dtype), model));
    save_model(model, folder.path);
    CHECK(equal(load_causal_lm(folder.path, dtype), model));
    CHECK(files(folder.path) == 3);  // the shards are gone
    CHECK(load_config(folder.path)["architectures"] == nlohmann::json{"GPTNeoXForCausalLM"});
}

TEST_CASE("save_weights: a save that fails on the way leaves the shards of the one before, not a mixture") {
    support::temporary_folder const folder;
    auto const first = make_causal_lm(support::tiny_config(), 2), second = make_causal_lm(support::tiny_config(), 3);
    save_model(first, folder.path, /*shard_bytes=*/1000);
    auto parameters = second.parameters();
    parameters.push_back({"late", parameter_kind::matrix, at::zeros({2}, at::kComplexFloat)});
    CHECK_THROWS_WITH(save_weights(parameters, folder.path, 1000), Contains("no dtype for ComplexFloat"));
    CHECK(equal(load_causal_lm(folder.path, at::kFloat), first));
    save_model(second, folder.path, 1000);
    CHECK(equal(load_causal_lm(folder.path, at::kFloat), second));
    save_model(make_sequence_classifier(*second.body, second.config, 3), folder.path);
    CHECK_THROWS_WITH(load_causal_lm(folder.path, at::kFloat),
                      Catch::Contains("holds a reward model or critic: it has score.weight and no embed_out.weight"));
}

TEST_CASE("save_model: a language model becomes a critic with a drawn head; a critic stays what it is") {
    support::temporary_folder const folder;
    auto const model = make_causal_lm(support::tiny_config(), 2);
    save_model(model, folder.path);
    bool made = false;
    auto const critic = load_sequence_classifier(folder.path, at::kFloat, at::kCPU, 4, &made);
    CHECK(made);
    CHECK(critic.score.equal(load_sequence_classifier(folder.path, at::kFloat, at::kCPU, 4).score));
    CHECK_FALSE(critic.score.equal(load_sequence_classifier(folder.path, at::kFloat, at::kCPU, 5).score));
    auto wide = make_sequence_classifier(*make_causal_lm(
                                              [] {
                                                  auto c = support::tiny_config();
                                                  c["hidden_size"] = 3000;
                                                  c["num_hidden_layers"] = 1;
                                                  return c;
                                              }(),
                                              0)
                                              .body,
                                         model.config, 1);
    CHECK(wide.score.std().item<double>() == Approx(0.4).epsilon(0.05));

    save_model(critic, folder.path / "critic");
    auto const again = load_sequence_classifier(folder.path / "critic", at::kFloat, at::kCPU, 0, &made);
    CHECK_FALSE(made);
    CHECK(equal(again, critic));
    CHECK_THROWS_WITH(load_causal_lm(folder.path / "critic"), Contains("holds a reward model or critic"));
}

TEST_CASE("save_model: a tied head is stored once") {
    support::temporary_folder const folder;
    auto config = support::tiny_config();
    config["tie_word_embeddings"] = true;
    auto const model = make_causal_lm(config, 2);
    save_model(model, folder.path);
    auto const again = load_causal_lm(folder.path);
    CHECK(again.tied());
    CHECK(again.parameters().size() == 27);
    CHECK(equal(again, model));
    CHECK(clone(again).tied());
}

TEST_CASE("load_model: weights that do not belong to the config are named") {
    support::temporary_folder const folder;
    auto const model = make_causal_lm(support::tiny_config(), 2);
    save_model(model, folder.path);
    auto const rewrite = [&](char const* field, nlohmann::json const& value) {
        auto config = support::tiny_config();
        config[field] = value;
        write_file(folder.path / "config.json", config.dump());
    };
    rewrite("vocab_size", 24);
    CHECK_THROWS_WITH(load_causal_lm(folder.path),
                      Contains("stores gpt_neox.embed_in.weight as [23, 12] where config.json asks for [24, 12]"));
    rewrite("num_hidden_layers", 3);
    CHECK_THROWS_WITH(load_causal_lm(folder.path), Contains("has no tensor gpt_neox.layers.2.input_layernorm.weight"));
    rewrite("num_hidden_layers", 1);
    CHECK_THROWS_WITH(load_causal_lm(folder.path),
                      Contains("holds the tensor gpt_neox.layers.1.") && Contains("config.json has not"));
    write_file(folder.path / "config.json", "{");
    CHECK_THROWS_WITH(load_causal_lm(folder.path), Contains("config.json is not a JSON object"));
    CHECK_THROWS_WITH(load_causal_lm(folder.path / "none"), Contains("config.json cannot be opened"));

    auto parameters = model.parameters();
    parameters.push_back(
        {"gpt_neox.layers.0.attention.bias", parameter_kind::matrix, at::ones({1, 1, 4, 4}, at::kBool)});
    parameters.push_back({"gpt_neox.layers.0.attention.rotary_emb.inv_freq", parameter_kind::matrix, at::ones({1})});
    parameters.push_back({"gpt_neox.layers.0.attention.masked_bias", parameter_kind::matrix, at::ones({})});
    save_weights(parameters, folder.path);
    rewrite("vocab_size", 23);
    CHECK(equal(load_causal_lm(folder.path), model));  // buffers of older transformers
}

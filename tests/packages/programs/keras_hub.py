"""KerasHub: classifiers of texts and images, generation, presets, LoRA, and layers of the user."""

import keras
import keras_hub
import numpy as np

from tests.packages.steps import data, fix_weights, step

TEXTS = ["a good film", "a bad film", "very good", "very bad"]
LABELS = np.array([1, 0, 1, 0])
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "good", "bad", "film", "very"]


def bert_classifier():
    tokenizer = keras_hub.tokenizers.BertTokenizer(vocabulary=WORDS, lowercase=True)
    preprocessor = keras_hub.models.BertTextClassifierPreprocessor(tokenizer, sequence_length=8)
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=10, num_layers=2, num_heads=2, hidden_dim=16, intermediate_dim=32,
        max_sequence_length=8, dropout=0.0,
    )  # fmt: skip
    model = keras_hub.models.BertTextClassifier(
        backbone=backbone, preprocessor=preprocessor, num_classes=2, dropout=0.0
    )
    return fix_weights(model, 0.1)


@step
def text_classifier():
    model = bert_classifier()
    model.compile(
        keras.optimizers.SGD(0.1),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=True,
    )
    before = model.predict(TEXTS, verbose=0)
    history = model.fit(TEXTS, LABELS, batch_size=4, epochs=3, verbose=0, shuffle=False)
    return before, history.history["loss"], model.predict(TEXTS, verbose=0)


@step
def text_classifier_preset():
    model = bert_classifier()
    model.save_to_preset("bert_preset")
    loaded = keras_hub.models.TextClassifier.from_preset("bert_preset")
    backbone = keras_hub.models.Backbone.from_preset("bert_preset")
    tokenizer = keras_hub.tokenizers.Tokenizer.from_preset("bert_preset")
    assert backbone.count_params() == model.backbone.count_params()
    difference = loaded.predict(TEXTS, verbose=0) - model.predict(TEXTS, verbose=0)
    return difference, tokenizer("a good film")


@step
def masked_language_model():
    tokenizer = keras_hub.tokenizers.BertTokenizer(vocabulary=WORDS, lowercase=True)
    preprocessor = keras_hub.models.BertMaskedLMPreprocessor(
        tokenizer, sequence_length=8, mask_selection_length=2
    )
    model = keras_hub.models.BertMaskedLM(bert_classifier().backbone, preprocessor=preprocessor)
    return len(model.fit(TEXTS, batch_size=4, epochs=1, verbose=0).history["loss"])


@step
def image_classifier():
    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64], input_conv_kernel_sizes=[3], stackwise_num_filters=[64, 128],
        stackwise_num_blocks=[1, 1], stackwise_num_strides=[1, 2], block_type="basic_block",
        image_shape=(16, 16, 3),
    )  # fmt: skip
    converter = keras_hub.layers.ResNetImageConverter(image_size=(16, 16), scale=1 / 255)
    preprocessor = keras_hub.models.ResNetImageClassifierPreprocessor(converter)
    model = keras_hub.models.ResNetImageClassifier(
        backbone=backbone, num_classes=3, preprocessor=preprocessor
    )
    fix_weights(model, 0.1)
    images = np.random.default_rng(0).uniform(0, 255, (6, 20, 20, 3)).astype("float32")
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(images, np.arange(6) % 3, batch_size=6, epochs=2, verbose=0, shuffle=False)
    model.save_to_preset("resnet_preset")
    loaded = keras_hub.models.ImageClassifier.from_preset("resnet_preset")
    difference = loaded.predict(images, verbose=0) - model.predict(images, verbose=0)
    return history.history["loss"], difference


def gpt2():
    words = ["!", "air", "Ġair", "plane", "Ġat", "port", "<|endoftext|>"]
    merges = ["Ġ a", "Ġ t", "Ġ i", "Ġ b", "a i", "p l", "n e"]
    merges += ["Ġa t", "p o", "r t", "Ġt h", "ai r", "pl a", "po rt", "Ġai r", "Ġa i", "pla ne"]
    parts = {part for merge in merges for part in merge.split()}
    words += sorted((parts | {merge.replace(" ", "") for merge in merges}) - set(words))
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = keras_hub.tokenizers.GPT2Tokenizer(vocabulary=vocabulary, merges=merges)
    preprocessor = keras_hub.models.GPT2CausalLMPreprocessor(tokenizer, sequence_length=8)
    backbone = keras_hub.models.GPT2Backbone(
        vocabulary_size=len(vocabulary), num_layers=2, num_heads=2, hidden_dim=8,
        intermediate_dim=16, max_sequence_length=8, dropout=0.0,
    )  # fmt: skip
    return fix_weights(keras_hub.models.GPT2CausalLM(backbone, preprocessor=preprocessor))


@step
def generation():
    model = gpt2()
    model.compile(sampler="greedy")
    greedy = model.generate([" airplane at", " air"], max_length=8)
    model.compile(sampler=keras_hub.samplers.BeamSampler(num_beams=2))
    beams = model.generate(" airplane", max_length=8)
    model.compile(sampler=keras_hub.samplers.TopKSampler(k=2, seed=1))
    assert isinstance(model.generate(" airplane", max_length=8), str)
    return greedy, beams


@step
def training_a_causal_model():
    model = gpt2()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                  weighted_metrics=["accuracy"])  # fmt: skip
    texts = [" airplane at airport", " air", " airplane", " airport at air"]
    history = model.fit(texts, batch_size=4, epochs=2, verbose=0, shuffle=False)
    model.save_to_preset("gpt2_preset")
    loaded = keras_hub.models.CausalLM.from_preset("gpt2_preset")
    loaded.compile(sampler="greedy")
    return history.history["loss"], loaded.generate(" air", max_length=6)


@step
def lora():
    model = gpt2()
    model.backbone.enable_lora(2)
    fix_weights(model.backbone, 0.1)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(
        [" airplane at airport"] * 4, batch_size=4, epochs=2, verbose=0, shuffle=False
    )
    model.backbone.save_lora_weights("weights.lora.h5")
    other = gpt2()
    fix_weights(other.backbone, 0.1)
    other.backbone.load_lora_weights("weights.lora.h5")
    trainable = sum(int(np.prod(w.shape)) for w in model.backbone.trainable_weights)
    return history.history["loss"], trainable


@step
def save_and_load():
    model = bert_classifier()
    model.save("bert.keras")
    loaded = keras.models.load_model("bert.keras")
    model.save_weights("bert.weights.h5")
    loaded.load_weights("bert.weights.h5")
    return loaded.predict(TEXTS, verbose=0)


@step
def layers_in_a_model_of_the_user():
    tokens = keras.Input((8,), dtype="int32")
    x = keras_hub.layers.TokenAndPositionEmbedding(20, 8, 16, mask_zero=True)(tokens)
    x = keras_hub.layers.TransformerEncoder(32, 2, dropout=0.0)(x)
    x = keras_hub.layers.TransformerDecoder(32, 2, dropout=0.0)(x)
    x = keras_hub.layers.FNetEncoder(32, dropout=0.0)(x)
    x = keras_hub.layers.RotaryEmbedding()(x) + keras_hub.layers.SinePositionEncoding()(x)
    model = fix_weights(keras.Model(tokens, keras.layers.Dense(2)(x[:, 0])), 0.1)
    rows = np.random.default_rng(0).integers(0, 20, (4, 8))
    model.compile("sgd", "mse")
    history = model.fit(rows, data(4, 2), batch_size=4, epochs=2, verbose=0, shuffle=False)
    return history.history["loss"], model.predict(rows, verbose=0)


class Encoder(keras_hub.layers.TransformerEncoder):
    """A subclass of the user, with a gate."""

    def build(self, inputs_shape):
        super().build(inputs_shape)
        self.gate = self.add_weight(shape=(inputs_shape[-1],), initializer="ones", name="gate")

    def call(self, inputs, **kwargs):
        return self.gate * super().call(inputs, **kwargs)


@step
def subclass_of_the_user():
    inputs = keras.Input((None, 8))
    model = fix_weights(keras.Model(inputs, Encoder(16, 2, dropout=0.0)(inputs)), 0.1)
    model.save("encoder.keras")
    loaded = keras.models.load_model("encoder.keras", custom_objects={"Encoder": Encoder})
    return loaded.predict(data(2, 5, 8), verbose=0)


@step
def functional_backbone_inside_a_model():
    backbone = bert_classifier().backbone
    backbone.trainable = False
    outputs = keras.layers.Dense(1)(backbone.output["pooled_output"])
    model = keras.Model(backbone.input, outputs)
    ones = np.ones((2, 8), "int32")
    rows = {"token_ids": ones * 5, "padding_mask": ones, "segment_ids": ones * 0}
    lines = []
    model.summary(print_fn=lambda line, **kwargs: lines.append(line))
    assert lines
    fix_weights(model, 0.1)
    return model.predict(rows, verbose=0), len(model.trainable_weights)


@step
def tokenizers_and_metrics():
    tokenizer = keras_hub.tokenizers.WordPieceTokenizer(vocabulary=WORDS, sequence_length=4)
    perplexity = keras_hub.metrics.Perplexity(from_logits=True)
    perplexity.update_state(np.array([[1, 2]]), data(1, 2, 4))
    return tokenizer(["a good film", "bad"]), perplexity.result()

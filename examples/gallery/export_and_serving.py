# %% [markdown]
# # Export and serving
#
# A trained model leaves Python programs in two ways: as a file that needs no cornu, in ONNX for
# any runtime and in StableHLO for JAX, or over HTTP, in the Open Inference Protocol of KServe and
# Triton. Both give the predictions of the model. It needs `pip install "cornu[onnx,serve]"`.

# %%
import json
import os
import threading
import time
import urllib.request

import numpy as np
import uvicorn

import cornu
from cornu import layers

cornu.utils.set_random_seed(0)
(x_train, y_train), (x_test, y_test) = cornu.datasets.digits.load_data()
x_train, x_test = (part.astype("float32") / 16 for part in (x_train, x_test))


# %%
def conv_pool(x, filters):
    return layers.MaxPooling2D()(layers.Conv2D(filters, 3, padding="same", activation="relu")(x))


image = cornu.Input((8, 8), name="image")
x = conv_pool(conv_pool(layers.Reshape((8, 8, 1))(image), 16), 32)
digit = layers.Dense(10, "softmax", name="digit")(layers.Flatten()(x))
model = cornu.Model(image, digit, name="digits")
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x_train, y_train, epochs=8, verbose=0)
expected = model.predict(x_test, verbose=0)

# %% [markdown]
# ## Files
#
# Inputs and outputs have the names of the model.

# %%
errors = {}
for name in ("digits.onnx", "digits.stablehlo"):
    model.export(name, format=name.partition(".")[2], verbose=False)
    program = cornu.export.load(name)
    found = program({"image": x_test})["digit"]
    errors[name] = np.abs(found - expected).max()
    print(f"{name}: {os.path.getsize(name) / 1000:.0f} kB, error {errors[name]:.1e}")

# %% [markdown]
# ## A server
#
# `cornu serve digits.keras` is the same from a shell. The server runs in a thread here, to be
# asked in the same program.

# %%
application = cornu.serving.create_application(model)
server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="error"))
thread = threading.Thread(target=server.run, daemon=True)
thread.start()
while not server.started:
    time.sleep(0.05)
port = server.servers[0].sockets[0].getsockname()[1]
address = f"http://127.0.0.1:{port}/v2/models/digits"
image_input = {"name": "image", "shape": [8, 8, 8], "datatype": "FP32"}
request = {"inputs": [{**image_input, "data": x_test[:8].ravel().tolist()}]}
with urllib.request.urlopen(f"{address}/infer", json.dumps(request).encode()) as response:
    answer = json.load(response)["outputs"][0]
server.should_exit = True
thread.join()
served = np.reshape(answer["data"], answer["shape"])
print(answer["name"], answer["shape"], "digits", served.argmax(axis=1))

# %% [markdown]
# ## Result
#
# Files and server agree with `predict` up to rounding.

# %%
error = max(*errors.values(), np.abs(served - expected[:8]).max())
accuracy = np.mean(expected.argmax(axis=1) == y_test)
print(f"accuracy {accuracy:.1%}; largest difference from predict {error:.0e}")
assert error < 1e-5 and accuracy > 0.9

"""Models in other formats: Keras, ONNX, and a single HTML page.

Read in this order; a module imports only from those before it:

- `result`: what a conversion returns, before anything is written.
- `characters`: the character of each index of an imported model, from its training text or from a list.
- `keras_layers`: which Keras layers can be converted to `nextchar.networks.architecture`, and why others are refused.
- `keras_library`: load Keras and h5py when they are needed, and turn their failures into errors.
- `keras_network`: the weights of a network in Keras's layout and in that of `nextchar.networks.architecture`.
- `keras_bounds`: limits for Keras files: nothing is unpacked or allocated that the file does not contain.
- `keras_legacy`: make models of Keras 2 readable for Keras 3.
- `keras_weights`: read a Keras file that has only weights; the architecture is inferred from the shapes of its arrays.
- `keras_sizes`: compute the shapes of a Keras model's weights from its config, before Keras builds anything.
- `keras_reading`: read a Keras model with its architecture: Keras loads it, and each layer is checked.
- `keras_model`: convert models from Keras, and to Keras.
- `onnx_graph`: a network as an ONNX graph: the equations of `nextchar.networks.architecture` in standard operators.
- `onnx_model`: write models as ONNX files, which onnxruntime and others compute without nextchar.
- `single_file`: write a model as one HTML file that generates text in any browser.
- `conversion`: convert from file to file: the formats, and how to recognise them.
"""

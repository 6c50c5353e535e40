"""Models in other formats: of Keras, as ONNX, and as one HTML page.

Read in this order; a module imports only from those before it:

- `result`: what a conversion gives back, before anything is written.
- `characters`: which character each index of an imported model stands for: from the text it was trained on, or from a
  list.
- `keras_layers`: which layers of Keras the equations of `nextchar.networks.architecture` stand for, and why the
  others are refused.
- `keras_library`: Keras itself, loaded when a model of it has to be read or written, and how its failures are told.
- `keras_network`: the weights of a network as Keras lays them out, and as `nextchar.networks.architecture` does.
- `keras_bounds`: what a file of Keras may ask for: nothing is allocated on its word that it does not hold.
- `keras_legacy`: models that Keras 2 wrote, made readable for Keras 3, which stumbles over some of their options.
- `keras_weights`: a file of Keras with weights alone: the architecture is inferred from the shapes of the arrays.
- `keras_sizes`: the shapes of the weights that the config of a Keras model asks for, computed before Keras builds
  anything.
- `keras_reading`: a model that Keras saved, with its architecture: loaded by Keras, judged layer by layer.
- `keras_model`: models of Keras: read into nextchar's own, and written so that Keras loads them and predicts the
  same.
- `onnx_graph`: a network as a graph of ONNX: the equations of `nextchar.networks.architecture` in its standard
  operators.
- `onnx_model`: models as files of ONNX, which onnxruntime and others compute without nextchar.
- `single_file`: a model as one HTML file that writes in any browser, with nothing installed: page, engine and
  weights.
- `conversion`: from a file to a file: which formats there are, and which one a file is in.
"""

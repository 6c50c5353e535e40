"""Networks: ids in, logits out. One contract, several engines.

Read in this order; a module imports only from those before it:

- `states`: the state of a network after reading, of several texts side by side.
- `architecture`: the contract: equations, parameter names and shapes, the `Network` protocol.
- `allowed`: which ids may be drawn, after which others.
- `numpy_network`: the LSTM in NumPy: short, readable, the reference.
- `lines`: a network of lists, which begins each line anew.
- `windowed`: a network that, for each prediction, reads the last n characters from the zero state.
- `quantisation`: weights rounded to eight bits.
- `compilation`: loops compiled by numba and cached on disk.
- `kernels`: the inner loops of the compiled network, in numba.
- `compiled_network`: the LSTM with compiled loops, several times faster.
- `engine`: choose between the two.
- `ngram_kernels`: the loops of predicting from counts, in numba.
- `counting_kernels`: the loops of counting and of weighing n-grams, in numba.
- `ngram_counts`: the n-grams of a text and their counts, whole or pruned.
- `ngram_pruning`: keep the n-grams that are worth most.
- `ngram_counting`: count the n-grams of a text.
- `line_counting`: count the n-grams of a list, none across lines.
- `ngram_network`: an n-gram model in NumPy, counted rather than trained.
- `compiled_ngram_network`: the same with compiled loops.
- `word_counts`: what came after the beginnings of words in a text.
- `word_network`: what these counts predict, in NumPy.
- `word_pruning`: keep the counts of words that are worth most.
- `growing_kernels`: the loops of counts that grow, in numba.
- `growing_counts`: counts that grow with the text that is read.
- `word_kernels`: the loops of counting words and of predicting from them, in numba.
- `word_counting`: count the words of a text.
- `compiled_word_network`: what these counts predict, with compiled loops.
- `blend`: a network that has learned and one that has counted, as one.
- `blend_kernels`: the loops of the compiled blend, in numba.
- `compiled_blend`: the blend with compiled loops.
- `reading_kernels`: the loops of reading along, in numba.
- `reading_along`: what is learned from a text as it is read, and how all of it predicts together.
- `adaptive_network`: a network that reads along.
- `loops`: all compiled loops at once, for an installation.
- `headers`: what a model file says of its network.
- `kinds`: the kinds of networks that a model file can hold.
- `window_kernels`: compiled loops for training on windows.
- `torch_processes`: the processes that train one model together.
- `torch_threads`: the device, and threads that each compute a shard of a batch.
- `torch_windows`: a trainable layer over short windows.
- `torch_network`: the trainable network, in torch.
"""

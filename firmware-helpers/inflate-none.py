# Contents come as they are.
import io

# Contents come as they are.
